/** Sums of f32 lanes in f64. Every sum has one fixed order, which the scalar twins follow. */

/** total[0..1] + f64(part[0..1]) */
// @ts-ignore: decorator
@inline
export function addLow(total: v128, part: v128): v128 {
  return f64x2.add(total, f64x2.promote_low_f32x4(part));
}

/** total[0..1] + f64(part[2..3]) */
// @ts-ignore: decorator
@inline
export function addHigh(total: v128, part: v128): v128 {
  return f64x2.add(total, f64x2.promote_low_f32x4(i64x2.shuffle(part, part, 1, 1)));
}

/** [f32(low[0]), f32(low[1]), f32(high[0]), f32(high[1])] */
// @ts-ignore: decorator
@inline
export function narrow(low: v128, high: v128): v128 {
  const a = f32x4.demote_f64x2_zero(low);
  const b = f32x4.demote_f64x2_zero(high);
  return i64x2.shuffle(a, b, 0, 2);
}

/** (s0 + s1) + (s2 + s3): the four lanes of two f64 pairs */
// @ts-ignore: decorator
@inline
export function sumLanes(low: v128, high: v128): f64 {
  const left = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  const right = f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1);
  return left + right;
}

/** totals[0..7] f64 += low, high */
// @ts-ignore: decorator
@inline
export function addTo(totals: usize, low: v128, high: v128): void {
  v128.store(totals, addLow(v128.load(totals), low));
  v128.store(totals, addHigh(v128.load(totals, 16), low), 16);
  v128.store(totals, addLow(v128.load(totals, 32), high), 32);
  v128.store(totals, addHigh(v128.load(totals, 48), high), 48);
}

/** sums[0..2] f64 += three sums */
// @ts-ignore: decorator
@inline
export function addSums(sums: usize, first: f64, second: f64, third: f64): void {
  store<f64>(sums, load<f64>(sums) + first);
  store<f64>(sums, load<f64>(sums, 8) + second, 8);
  store<f64>(sums, load<f64>(sums, 16) + third, 16);
}
