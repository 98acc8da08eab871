/**
 * Curves of training in f32, with e^x of `exp32.ts`: four lanes at a time, and one, with the same bits. U is 2⁻²⁴. NaN gives NaN.
 */
import {
  expm1NegativeLanes,
  expm1NegativeScalar,
  expNegativeLanes,
  expNegativeScalar,
  oneLanes,
} from './exp32';

/** e^−|x| / (1 + e^−|x|) below 0, else 1 / (1 + e^−|x|): an exponential within 3·U, a sum and a quotient, 5·U of its size */
// @ts-ignore: decorator
@inline
export function sigmoidLanes32(x: v128, constants: usize): v128 {
  const one = oneLanes(constants);
  const e = expNegativeLanes(v128.or(x, f32x4.splat(-0.0)), constants);
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(one, e));
}

export function sigmoidScalar32(x: f32): f32 {
  const e = expNegativeScalar(-abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/** −s / (s + 2), s = e^−2|x| − 1, with the sign of x: 2.5·U of s, as much again below, a sum, a quotient: 6·U */
// @ts-ignore: decorator
@inline
export function tanhLanes32(x: v128, constants: usize): v128 {
  const size = f32x4.abs(x);
  const s = expm1NegativeLanes(f32x4.neg(f32x4.add(size, size)), constants);
  const one = oneLanes(constants);
  const y = f32x4.div(s, f32x4.add(s, f32x4.add(one, one)));
  return v128.bitselect(x, y, f32x4.splat(-0.0));
}

export function tanhScalar32(x: f32): f32 {
  const size = abs(x);
  const s = expm1NegativeScalar(-(size + size));
  return copysign(s / (s + 2), x);
}

/** √½, whose bits divide the mantissas: m is in [√½, √2). */
// @ts-ignore: decorator
@inline const SQRT_HALF_BITS: i32 = 0x3f3504f3;
// @ts-ignore: decorator
@inline const LN2_HIGH: f32 = 0.693359375;
// @ts-ignore: decorator
@inline const LN2_LOW: f32 = -2.1219444170128554e-4;
/** 2⁻¹²⁶ and 2²³: numbers below the first have too few bits. */
// @ts-ignore: decorator
@inline const LEAST_NORMAL: f32 = 1.1754943508222875e-38;
// @ts-ignore: decorator
@inline const LIFT: f32 = 8388608.0;
/** artanh s = s·(1 + z·(L0 + L1·z + L2·z²)), z = s² ≤ 0.0295, within 0.02·U (Remez) */
// @ts-ignore: decorator
@inline const L0: f32 = 0.33333388190811264;
// @ts-ignore: decorator
@inline const L1: f32 = 0.19988770787673363;
// @ts-ignore: decorator
@inline const L2: f32 = 0.1493586388193897;

/**
 * log x, −inf at 0, NaN below: x = 2^k·m, log m = 2·artanh((m − 1)/(m + 1)).
 *
 * Where k is 0: a sum, a quotient and the sum with the small terms, 3.3·U of its size. Elsewhere log m is no larger than the
 * result, and two more sums make 6·U.
 */
// @ts-ignore: decorator
@inline
export function logLanes32(x: v128): v128 {
  const tiny = f32x4.lt(x, f32x4.splat(LEAST_NORMAL));
  const lifted = v128.bitselect(f32x4.mul(x, f32x4.splat(LIFT)), x, tiny);
  const exponent = i32x4.shr_s(i32x4.sub(lifted, i32x4.splat(SQRT_HALF_BITS)), 23);
  const m = i32x4.sub(lifted, i32x4.shl(exponent, 23));
  const k = f32x4.convert_i32x4_s(i32x4.sub(exponent, v128.and(tiny, i32x4.splat(23))));
  const one = f32x4.splat(1);
  const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one));
  const z = f32x4.mul(s, s);
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(L2)), f32x4.splat(L1));
  p = f32x4.mul(f32x4.add(f32x4.mul(p, z), f32x4.splat(L0)), z);
  const twice = f32x4.add(s, s);
  const low = f32x4.add(f32x4.mul(twice, p), f32x4.mul(k, f32x4.splat(LN2_LOW)));
  const y = f32x4.add(f32x4.mul(k, f32x4.splat(LN2_HIGH)), f32x4.add(twice, low));
  const infinite = f32x4.splat(Infinity);
  const ended = v128.bitselect(infinite, y, f32x4.eq(x, infinite));
  const started = v128.bitselect(f32x4.neg(infinite), ended, f32x4.eq(x, f32x4.splat(0)));
  return v128.or(started, v128.not(f32x4.ge(x, f32x4.splat(0))));
}

export function logScalar32(x: f32): f32 {
  if (!(x >= 0)) return NaN;
  if (x == 0) return -Infinity;
  if (x == Infinity) return x;
  const tiny = x < LEAST_NORMAL;
  const bits = reinterpret<i32>(tiny ? x * LIFT : x);
  const exponent = (bits - SQRT_HALF_BITS) >> 23;
  const m = reinterpret<f32>(bits - (exponent << 23));
  const k = <f32>(exponent - (tiny ? 23 : 0));
  const s = (m - 1) / (m + 1);
  const z = s * s;
  const p = ((z * L2 + L1) * z + L0) * z;
  const twice = s + s;
  return k * LN2_HIGH + (twice + (twice * p + k * LN2_LOW));
}

/** e^(t²/2)·Φ(−t) = u·(G0 + … + G7·u⁷), u = 1/(1 + GAUGE·t), for 0 ≤ t ≤ 13.2, within 2.1·U of its size (Remez) */
// @ts-ignore: decorator
@inline const GAUGE: f32 = 0.3;
// @ts-ignore: decorator
@inline const G0: f32 = 0.11962454096975719;
// @ts-ignore: decorator
@inline const G1: f32 = 0.12082631366187661;
// @ts-ignore: decorator
@inline const G2: f32 = 0.09946507249977356;
// @ts-ignore: decorator
@inline const G3: f32 = 0.13003258110804736;
// @ts-ignore: decorator
@inline const G4: f32 = -0.056450009411265434;
// @ts-ignore: decorator
@inline const G5: f32 = 0.20934627873201733;
// @ts-ignore: decorator
@inline const G6: f32 = -0.15893365551002347;
// @ts-ignore: decorator
@inline const G7: f32 = 0.03608881849536631;

/** Those of `normalLanes`, behind those of the exponential: 48 −½ | 52 GAUGE | 56 G7 | 60 G6 | … | 84 G0 */
export function writeNormalConstants(at: usize): void {
  store<f32>(at, -0.5, 48);
  store<f32>(at, GAUGE, 52);
  store<f32>(at, G7, 56);
  store<f32>(at, G6, 60);
  store<f32>(at, G5, 64);
  store<f32>(at, G4, 68);
  store<f32>(at, G3, 72);
  store<f32>(at, G2, 76);
  store<f32>(at, G1, 80);
  store<f32>(at, G0, 84);
}

/** e^(−x²/2), within (3 + x²/2)·U of its size: the square is rounded. */
// @ts-ignore: decorator
@inline
export function bellLanes(x: v128, constants: usize): v128 {
  const square = f32x4.mul(x, x);
  return expNegativeLanes(f32x4.mul(square, v128.load32_splat(constants, 48)), constants);
}

export function bellScalar(x: f32): f32 {
  return expNegativeScalar(x * x * -0.5);
}

/** Φ(x), the normal distribution, given e^(−x²/2). Φ(−|x|) is within (13 + x²/2)·U of its size, Φ(|x|) is 1 less it. */
// @ts-ignore: decorator
@inline
export function normalLanes(x: v128, bell: v128, constants: usize): v128 {
  const one = oneLanes(constants);
  const slope = f32x4.mul(f32x4.abs(x), v128.load32_splat(constants, 52));
  const u = f32x4.div(one, f32x4.add(slope, one));
  let p = f32x4.mul(v128.load32_splat(constants, 56), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 60)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 64)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 68)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 72)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 76)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 80)), u);
  p = f32x4.mul(f32x4.add(p, v128.load32_splat(constants, 84)), u);
  const tail = f32x4.mul(p, bell);
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

export function normalScalar(x: f32, bell: f32): f32 {
  const u: f32 = 1 / (abs(x) * GAUGE + 1);
  let p = G7 * u;
  p = (p + G6) * u;
  p = (p + G5) * u;
  p = (p + G4) * u;
  p = (p + G3) * u;
  p = (p + G2) * u;
  p = (p + G1) * u;
  p = (p + G0) * u;
  const tail = p * bell;
  return x < 0 ? tail : 1 - tail;
}
