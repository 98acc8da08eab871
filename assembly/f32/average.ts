/**
 * a += rate · (w − a), each step rounded to f32: an exponential moving average with decay 1 − rate
 *
 * a [n] f32    read and written
 * w [n] f32    read
 */
export function f32_average__scalar(n: i32, a: usize, w: usize, rate: f32): void {
  for (const end = a + (<usize>n << 2); a < end; a += 4, w += 4) {
    const average = load<f32>(a);
    store<f32>(a, average + rate * (load<f32>(w) - average));
  }
}

export function f32_average__simd128(n: i32, a: usize, w: usize, rate: f32): void {
  const rates = f32x4.splat(rate);
  for (const end = a + (<usize>(n & ~3) << 2); a < end; a += 16, w += 16) {
    const average = v128.load(a);
    const change = f32x4.mul(rates, f32x4.sub(v128.load(w), average));
    v128.store(a, f32x4.add(average, change));
  }
  f32_average__scalar(n & 3, a, w, rate);
}
