// @ts-ignore: decorator
@inline
function smaller(a: f32, b: f32): f32 {
  return b < a ? b : a;
}

// @ts-ignore: decorator
@inline
function larger(a: f32, b: f32): f32 {
  return a < b ? b : a;
}

/**
 * out = [min x, max x]      NaN is passed over; a zero is +0
 *
 * x   [n] f32    n ≥ 1
 * out [2] f32    written
 */
export function f32_min_max__scalar(n: i32, x: usize, out: usize): void {
  let lo = <f32>Infinity;
  let hi = -lo;
  for (const end = x + (<usize>n << 2); x < end; x += 4) {
    lo = smaller(lo, load<f32>(x));
    hi = larger(hi, load<f32>(x));
  }
  store<f32>(out, lo + 0);
  store<f32>(out, hi + 0, 4);
}

export function f32_min_max__simd128(n: i32, x: usize, out: usize): void {
  const infinity = <f32>Infinity;
  // Two accumulators each: one would wait for its own latency.
  let lo0 = f32x4.splat(infinity);
  let lo1 = lo0;
  let hi0 = f32x4.splat(-infinity);
  let hi1 = hi0;
  const end = x + (<usize>n << 2);
  for (const body = x + (<usize>(n & ~7) << 2); x < body; x += 32) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    lo0 = f32x4.pmin(lo0, a);
    hi0 = f32x4.pmax(hi0, a);
    lo1 = f32x4.pmin(lo1, b);
    hi1 = f32x4.pmax(hi1, b);
  }
  lo0 = f32x4.pmin(lo0, lo1);
  hi0 = f32x4.pmax(hi0, hi1);
  let lo = smaller(
    smaller(f32x4.extract_lane(lo0, 0), f32x4.extract_lane(lo0, 1)),
    smaller(f32x4.extract_lane(lo0, 2), f32x4.extract_lane(lo0, 3)),
  );
  let hi = larger(
    larger(f32x4.extract_lane(hi0, 0), f32x4.extract_lane(hi0, 1)),
    larger(f32x4.extract_lane(hi0, 2), f32x4.extract_lane(hi0, 3)),
  );
  for (; x < end; x += 4) {
    lo = smaller(lo, load<f32>(x));
    hi = larger(hi, load<f32>(x));
  }
  store<f32>(out, lo + 0);
  store<f32>(out, hi + 0, 4);
}
