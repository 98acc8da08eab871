/**
 * y[i] = min(max(x[i], lo), hi)      relu is [0, +inf], relu6 is [0, 6]; NaN stays NaN
 *
 * x [n] f32    read
 * y [n] f32    written; may be x
 */
export function f32_vclamp__scalar(n: i32, x: usize, y: usize, lo: f32, hi: f32): void {
  for (const end = y + (<usize>n << 2); y < end; x += 4, y += 4) {
    const v = load<f32>(x);
    const raised = v < lo ? lo : v;
    store<f32>(y, hi < raised ? hi : raised);
  }
}

export function f32_vclamp__simd128(n: i32, x: usize, y: usize, lo: f32, hi: f32): void {
  const vlo = f32x4.splat(lo);
  const vhi = f32x4.splat(hi);
  for (const end = y + (<usize>(n & ~3) << 2); y < end; x += 16, y += 16) {
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x), vlo), vhi));
  }
  f32_vclamp__scalar(n & 3, x, y, lo, hi);
}

/**
 * dx[i] = lo < y[i] < hi ? dy[i] : 0      at the kinks the derivative is taken as 0
 *
 * y  [n] f32    the output of f32_vclamp
 * dy [n] f32    read
 * dx [n] f32    written; may be dy or y
 */
export function f32_vclamp_backward__scalar(
  n: i32, y: usize, dy: usize, dx: usize, lo: f32, hi: f32,
): void {
  for (const end = dx + (<usize>n << 2); dx < end; y += 4, dy += 4, dx += 4) {
    const v = load<f32>(y);
    store<f32>(dx, v > lo && v < hi ? load<f32>(dy) : 0);
  }
}

export function f32_vclamp_backward__simd128(
  n: i32, y: usize, dy: usize, dx: usize, lo: f32, hi: f32,
): void {
  const vlo = f32x4.splat(lo);
  const vhi = f32x4.splat(hi);
  for (const end = dx + (<usize>(n & ~3) << 2); dx < end; y += 16, dy += 16, dx += 16) {
    const v = v128.load(y);
    const inside = v128.and(f32x4.gt(v, vlo), f32x4.lt(v, vhi));
    v128.store(dx, v128.and(v128.load(dy), inside));
  }
  f32_vclamp_backward__scalar(n & 3, y, dy, dx, lo, hi);
}
