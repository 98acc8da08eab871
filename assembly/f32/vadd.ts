/**
 * y[i] = a[i] + b[i]
 *
 * a, b [n] f32    read
 * y    [n] f32    written; may be a or b
 */
export function f32_vadd__scalar(n: i32, a: usize, b: usize, y: usize): void {
  for (const end = y + (<usize>n << 2); y < end; a += 4, b += 4, y += 4) {
    store<f32>(y, load<f32>(a) + load<f32>(b));
  }
}

export function f32_vadd__simd128(n: i32, a: usize, b: usize, y: usize): void {
  for (const end = y + (<usize>(n & ~3) << 2); y < end; a += 16, b += 16, y += 16) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
  }
  f32_vadd__scalar(n & 3, a, b, y);
}
