/**
 * e^x and e^x − 1 of f32 from + − × and shifts of f32 alone: four lanes at a time, and one, with the same bits. U is 2⁻²⁴, half a
 * unit in the last place of 1.
 *
 *     e^x = 2^k · e^r      k = rte(x / ln 2)      r = x − k·ln 2, |r| ≤ 0.3468      e^r = 1 + r·(1 + r·(C2 + … + C6·r⁴))
 *
 * ln 2 is two parts; k·LN2_HIGH and its difference from x are exact. r is within 0.3·U of its value. C2 … C6 make the largest
 * relative error of e^r least (Remez): 0.06·U. The last sum adds U to the error, the one before it 0.35·U and the product
 * between them 0.25·U, those below 0.15·U, all of 1 against e^r ≥ 0.7: e^x is within 3·U of its size.
 */

// @ts-ignore: decorator
@inline const LOG2_E: f32 = 1.4426950216293335;
/** 1.5·2²³: adding it rounds to an integer, which the low bits of the sum then hold. */
// @ts-ignore: decorator
@inline const MAGIC: f32 = 12582912.0;
/** 355 / 512: nine bits, so that k·LN2_HIGH is exact. */
// @ts-ignore: decorator
@inline const LN2_HIGH: f32 = 0.693359375;
// @ts-ignore: decorator
@inline const LN2_LOW: f32 = -2.1219444170128554e-4;
// @ts-ignore: decorator
@inline const C2: f32 = 0.4999999343212055;
// @ts-ignore: decorator
@inline const C3: f32 = 0.16666520399059426;
// @ts-ignore: decorator
@inline const C4: f32 = 0.04166839078537351;
// @ts-ignore: decorator
@inline const C5: f32 = 0.008368745107398575;
// @ts-ignore: decorator
@inline const C6: f32 = 0.0013814540084669617;
/** ln 2⁻¹²⁶: below, e^x is no normal number. */
// @ts-ignore: decorator
@inline const LEAST: f32 = -87.33654;
/** ln 2⁻¹²⁵ and a bound above ln 2¹²⁸. */
// @ts-ignore: decorator
@inline const LEAST_WIDE: f32 = -86.64339;
// @ts-ignore: decorator
@inline const MOST_WIDE: f32 = 89.0;
/** e^x − 1 is −1 in f32 from −18 down. */
// @ts-ignore: decorator
@inline const LEAST_BELOW_1: f32 = -64.0;

/**
 * The constants in memory, from where `v128.load32_splat` takes them: V8 rebuilds literal splats at each use, and there
 * are more of them than registers.
 *
 *     0 LOG2_E | 4 MAGIC | 8 LN2_HIGH | 12 LN2_LOW | 16 C6 | 20 C5 | 24 C4 | 28 C3 | 32 C2 | 36 1 | 40 127 i32 | 44 LEAST
 */
export function writeExpConstants(at: usize): void {
  store<f32>(at, LOG2_E);
  store<f32>(at, MAGIC, 4);
  store<f32>(at, LN2_HIGH, 8);
  store<f32>(at, LN2_LOW, 12);
  store<f32>(at, C6, 16);
  store<f32>(at, C5, 20);
  store<f32>(at, C4, 24);
  store<f32>(at, C3, 28);
  store<f32>(at, C2, 32);
  store<f32>(at, 1, 36);
  store<i32>(at, 127, 40);
  store<f32>(at, LEAST, 44);
}

/** 1 in all lanes, from the constants. */
// @ts-ignore: decorator
@inline
export function oneLanes(constants: usize): v128 {
  return v128.load32_splat(constants, 36);
}

/** x / ln 2 + MAGIC */
// @ts-ignore: decorator
@inline
function shifted(x: v128, constants: usize): v128 {
  return f32x4.add(
    f32x4.mul(x, v128.load32_splat(constants)), v128.load32_splat(constants, 4),
  );
}

// @ts-ignore: decorator
@inline
function remainder(x: v128, t: v128, constants: usize): v128 {
  const k = f32x4.sub(t, v128.load32_splat(constants, 4));
  const high = f32x4.sub(x, f32x4.mul(k, v128.load32_splat(constants, 8)));
  return f32x4.sub(high, f32x4.mul(k, v128.load32_splat(constants, 12)));
}

/** r·(1 + r·(C2 + …)) = e^r − 1 */
// @ts-ignore: decorator
@inline
function below1(r: v128, constants: usize): v128 {
  let p = f32x4.mul(v128.load32_splat(constants, 16), r);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 20)), r);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 24)), r);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 28)), r);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 32)), r);
  return f32x4.mul(f32x4.add(p, oneLanes(constants)), r);
}

/** 2^k, given x / ln 2 + MAGIC, whose low bits hold k: the shift takes the others out. */
// @ts-ignore: decorator
@inline
function powerOf2(t: v128, constants: usize): v128 {
  return i32x4.shl(i32x4.add(t, v128.load32_splat(constants, 40)), 23);
}

/** e^x for x ≤ 0, 0 below ln 2⁻¹²⁶. NaN gives NaN. */
// @ts-ignore: decorator
@inline
export function expNegativeLanes(x: v128, constants: usize): v128 {
  const t = shifted(x, constants);
  const p = f32x4.add(below1(remainder(x, t, constants), constants), oneLanes(constants));
  const least = v128.load32_splat(constants, 44);
  return v128.andnot(f32x4.mul(p, powerOf2(t, constants)), f32x4.lt(x, least));
}

/** e^x for all x: 0 below ln 2⁻¹²⁵, +inf where it is no f32. Half of 2^k never overflows. NaN gives NaN. */
// @ts-ignore: decorator
@inline
export function expLanes32(x: v128, constants: usize): v128 {
  const capped = f32x4.pmin(x, f32x4.splat(MOST_WIDE));
  const t = shifted(capped, constants);
  const p = f32x4.add(below1(remainder(capped, t, constants), constants), oneLanes(constants));
  const half = f32x4.mul(p, powerOf2(i32x4.sub(t, i32x4.splat(1)), constants));
  return v128.andnot(f32x4.add(half, half), f32x4.lt(x, f32x4.splat(LEAST_WIDE)));
}

/**
 * e^x − 1 = 2^k·(e^r − 1) + (2^k − 1) for x ≤ 0; NaN gives NaN. Where k is 0, it is e^r − 1, within 2.5·U of its size: 1 for the
 * last product, 1.2 for the sum before it. Elsewhere it is −0.29 or less, and within 2·U.
 */
// @ts-ignore: decorator
@inline
export function expm1NegativeLanes(x: v128, constants: usize): v128 {
  const floored = f32x4.pmax(x, f32x4.splat(LEAST_BELOW_1));
  const t = shifted(floored, constants);
  const power = powerOf2(t, constants);
  const part = f32x4.mul(below1(remainder(floored, t, constants), constants), power);
  return f32x4.add(part, f32x4.sub(power, oneLanes(constants)));
}

// @ts-ignore: decorator
@inline
function remainderScalar(x: f32, t: f32): f32 {
  const k = t - MAGIC;
  return x - k * LN2_HIGH - k * LN2_LOW;
}

// @ts-ignore: decorator
@inline
function below1Scalar(r: f32): f32 {
  let p = C6 * r;
  p = (p + C5) * r;
  p = (p + C4) * r;
  p = (p + C3) * r;
  p = (p + C2) * r;
  return (p + 1) * r;
}

/** 2^(k − less) */
// @ts-ignore: decorator
@inline
function powerOf2Scalar(t: f32, less: i32): f32 {
  return reinterpret<f32>((reinterpret<i32>(t) - less + 127) << 23);
}

/** `expNegativeLanes` of one. */
export function expNegativeScalar(x: f32): f32 {
  const t = x * LOG2_E + MAGIC;
  const y = (below1Scalar(remainderScalar(x, t)) + 1) * powerOf2Scalar(t, 0);
  return x < LEAST ? 0 : y;
}

/** `expLanes32` of one. */
export function expScalar32(x: f32): f32 {
  const capped = MOST_WIDE < x ? MOST_WIDE : x;
  const t = capped * LOG2_E + MAGIC;
  const half = (below1Scalar(remainderScalar(capped, t)) + 1) * powerOf2Scalar(t, 1);
  return x < LEAST_WIDE ? 0 : half + half;
}

/** `expm1NegativeLanes` of one. */
export function expm1NegativeScalar(x: f32): f32 {
  const floored = x < LEAST_BELOW_1 ? LEAST_BELOW_1 : x;
  const t = floored * LOG2_E + MAGIC;
  const power = powerOf2Scalar(t, 0);
  return below1Scalar(remainderScalar(floored, t)) * power + (power - 1);
}
