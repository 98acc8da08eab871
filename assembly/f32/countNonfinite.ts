/** Bits of |x|: from 0x7f800000 on it is infinity or NaN. */
const MAGNITUDE: i32 = 0x7fffffff;
const LARGEST: i32 = 0x7f7fffff;

/**
 * count += number of x[i] that are NaN or infinite
 *
 * x     [n] f32    read
 * count [1] i32    read and written
 */
export function f32_count_nonfinite__scalar(n: i32, x: usize, count: usize): void {
  let found: i32 = load<i32>(count);
  for (const end = x + (<usize>n << 2); x < end; x += 4) {
    found += i32((load<i32>(x) & MAGNITUDE) > LARGEST);
  }
  store<i32>(count, found);
}

export function f32_count_nonfinite__simd128(n: i32, x: usize, count: usize): void {
  const magnitude = i32x4.splat(MAGNITUDE);
  const largest = i32x4.splat(LARGEST);
  // A true lane is −1. Two accumulators: one would wait for its own latency.
  let found0 = i32x4.splat(0);
  let found1 = found0;
  for (const body = x + (<usize>(n & ~7) << 2); x < body; x += 32) {
    const a = v128.and(v128.load(x), magnitude);
    const b = v128.and(v128.load(x, 16), magnitude);
    found0 = i32x4.sub(found0, i32x4.gt_s(a, largest));
    found1 = i32x4.sub(found1, i32x4.gt_s(b, largest));
  }
  const found = i32x4.add(found0, found1);
  const low = i32x4.extract_lane(found, 0) + i32x4.extract_lane(found, 1);
  const high = i32x4.extract_lane(found, 2) + i32x4.extract_lane(found, 3);
  store<i32>(count, load<i32>(count) + low + high);
  f32_count_nonfinite__scalar(n & 7, x, count);
}
