/**
 * e^x and log x in f64 from + − × ÷ alone: `Math.exp` and `Math.log` of hosts differ in the last bit.
 * Scalar and SIMD forms take the same steps and give the same bits.
 */

// @ts-ignore: decorator
@inline const LOG2_E: f64 = 1.4426950408889634;
/** ln 2 in two parts; the first ends in 32 zero bits, so k·LN2_HIGH is exact for |k| < 2³¹ (fdlibm). */
// @ts-ignore: decorator
@inline const LN2_HIGH: f64 = 6.93147180369123816490e-1;
// @ts-ignore: decorator
@inline const LN2_LOW: f64 = 1.90821492927058770002e-10;
/** 1.5·2⁵²: adding it rounds to an integer, which the low bits of the sum then hold. */
// @ts-ignore: decorator
@inline const ROUND: f64 = 6755399441055744.0;
// @ts-ignore: decorator
@inline const SQRT2: f64 = 1.4142135623730951;

/**
 * e^x for x ≤ 0, relative error < 1e-14; below −708 it stays at e^−708 ≈ 3e−308. NaN gives NaN.
 *
 * e^x = 2^k · e^r, k = rte(x / ln 2), |r| ≤ ln 2 / 2, and e^r by its Taylor polynomial of degree 12.
 */
export function expScalar(x: f64): f64 {
  x = x < -708.0 ? -708.0 : x;
  const t = x * LOG2_E + ROUND;
  const k = t - ROUND;
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let p = 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * reinterpret<f64>((reinterpret<i64>(t) + 1023) << 52);
}

// @ts-ignore: decorator
@inline
function horner(p: v128, r: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(p, r), f64x2.splat(c));
}

/** `expScalar` of two lanes. */
// @ts-ignore: decorator
@inline
export function expLanes(x: v128): v128 {
  x = f64x2.pmax(x, f64x2.splat(-708.0));
  const t = horner(x, f64x2.splat(LOG2_E), ROUND);
  const k = f64x2.sub(t, f64x2.splat(ROUND));
  const high = f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH)));
  const r = f64x2.sub(high, f64x2.mul(k, f64x2.splat(LN2_LOW)));
  let p = f64x2.splat(1.0 / 479001600.0);
  p = horner(p, r, 1.0 / 39916800.0);
  p = horner(p, r, 1.0 / 3628800.0);
  p = horner(p, r, 1.0 / 362880.0);
  p = horner(p, r, 1.0 / 40320.0);
  p = horner(p, r, 1.0 / 5040.0);
  p = horner(p, r, 1.0 / 720.0);
  p = horner(p, r, 1.0 / 120.0);
  p = horner(p, r, 1.0 / 24.0);
  p = horner(p, r, 1.0 / 6.0);
  p = horner(p, r, 0.5);
  p = horner(p, r, 1.0);
  p = horner(p, r, 1.0);
  return f64x2.mul(p, i64x2.shl(i64x2.add(t, i64x2.splat(1023)), 52));
}

/**
 * log x for normal x > 0, relative error < 1e-14; +inf and NaN come back as they are.
 *
 * x = 2^e · m, m in [√½, √2], and log m = 2·artanh(s), s = (m − 1)/(m + 1), |s| < 0.172, by its series to s²³.
 */
export function logScalar(x: f64): f64 {
  if (!(x < Infinity)) return x;
  const bits = reinterpret<i64>(x);
  let e = <f64>((bits >> 52) - 1023);
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > SQRT2) {
    m *= 0.5;
    e += 1.0;
  }
  const s = (m - 1.0) / (m + 1.0);
  const z = s * s;
  let p = 1.0 / 23.0;
  p = p * z + 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  p = p * z + 1.0;
  return e * LN2_HIGH + (e * LN2_LOW + 2.0 * s * p);
}
