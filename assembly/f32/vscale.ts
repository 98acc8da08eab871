/**
 * y[i] = x[i] · s
 *
 * x [n] f32    read
 * y [n] f32    written; may be x
 */
export function f32_vscale__scalar(n: i32, x: usize, s: f32, y: usize): void {
  for (const end = y + (<usize>n << 2); y < end; x += 4, y += 4) {
    store<f32>(y, load<f32>(x) * s);
  }
}

export function f32_vscale__simd128(n: i32, x: usize, s: f32, y: usize): void {
  const vs = f32x4.splat(s);
  for (const end = y + (<usize>(n & ~3) << 2); y < end; x += 16, y += 16) {
    v128.store(y, f32x4.mul(v128.load(x), vs));
  }
  f32_vscale__scalar(n & 3, x, s, y);
}
