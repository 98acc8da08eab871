import { highHalf } from '../lib/lanes';
import { sumLanes } from '../lib/reduce';

/**
 * sum += Σ x[i]²      in f64, in which a square is exact
 *
 * Four sums by i mod 4 over the first n & ~3, added as (s0 + s1) + (s2 + s3), then what is left.
 *
 * x   [n] f32    read
 * sum [1] f64    read and written
 */
export function f32_sum_of_squares__scalar(n: i32, x: usize, sum: usize): void {
  let s0 = 0.0;
  let s1 = 0.0;
  let s2 = 0.0;
  let s3 = 0.0;
  const end = x + (<usize>n << 2);
  for (const body = x + (<usize>(n & ~3) << 2); x < body; x += 16) {
    s0 += square(x);
    s1 += square(x + 4);
    s2 += square(x + 8);
    s3 += square(x + 12);
  }
  let total = s0 + s1 + (s2 + s3);
  for (; x < end; x += 4) total += square(x);
  store<f64>(sum, load<f64>(sum) + total);
}

// @ts-ignore: decorator
@inline
function square(x: usize): f64 {
  const value = <f64>load<f32>(x);
  return value * value;
}

export function f32_sum_of_squares__simd128(n: i32, x: usize, sum: usize): void {
  let low = f64x2.splat(0);
  let high = low;
  const end = x + (<usize>n << 2);
  for (const body = x + (<usize>(n & ~3) << 2); x < body; x += 16) {
    const lanes = v128.load(x);
    const a = f64x2.promote_low_f32x4(lanes);
    const b = f64x2.promote_low_f32x4(highHalf(lanes));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  let total = sumLanes(low, high);
  for (; x < end; x += 4) total += square(x);
  store<f64>(sum, load<f64>(sum) + total);
}
