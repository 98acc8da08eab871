/**
 * Sigmoid and tanh of f32 in f64 from e^x of `exp.ts`, rounded once: relative error below 2⁻²⁴ + 1e-14, for tanh where
 * |x| > 1e-6, absolute error below 1e-15 elsewhere. Scalar and SIMD forms give the same bits.
 */
import { expLanes, expScalar } from './exp';
import { highHalf } from './lanes';
import { narrow } from './reduce';

/** 1 / (1 + e^−x) */
export function sigmoidScalar(x: f32): f32 {
  const wide = <f64>x;
  // e^−|x| cannot overflow.
  const e = expScalar(-abs(wide));
  return <f32>((wide < 0 ? e : 1.0) / (1.0 + e));
}

/** (1 − e^−2|x|) / (1 + e^−2|x|) with the sign of x */
export function tanhScalar(x: f32): f32 {
  const wide = <f64>x;
  const e = expScalar(-2.0 * abs(wide));
  return <f32>copysign((1.0 - e) / (1.0 + e), wide);
}

// @ts-ignore: decorator
@inline
function sigmoidPair(x: v128): v128 {
  const one = f64x2.splat(1.0);
  const e = expLanes(f64x2.neg(f64x2.abs(x)));
  const numerator = v128.bitselect(e, one, f64x2.lt(x, f64x2.splat(0)));
  return f64x2.div(numerator, f64x2.add(one, e));
}

// @ts-ignore: decorator
@inline
function tanhPair(x: v128): v128 {
  const one = f64x2.splat(1.0);
  const e = expLanes(f64x2.mul(f64x2.abs(x), f64x2.splat(-2.0)));
  const size = f64x2.div(f64x2.sub(one, e), f64x2.add(one, e));
  return v128.bitselect(x, size, i64x2.splat(i64.MIN_VALUE));
}

// Calls: inlined, the exponentials of a gate kernel would be ten.
function sigmoidFour(x: v128): v128 {
  return narrow(
    sigmoidPair(f64x2.promote_low_f32x4(x)), sigmoidPair(f64x2.promote_low_f32x4(highHalf(x))),
  );
}

function tanhFour(x: v128): v128 {
  return narrow(
    tanhPair(f64x2.promote_low_f32x4(x)), tanhPair(f64x2.promote_low_f32x4(highHalf(x))),
  );
}

/** `sigmoidScalar` of four lanes. */
// @ts-ignore: decorator
@inline
export function sigmoidLanes(x: v128): v128 {
  return sigmoidFour(x);
}

/** `tanhScalar` of four lanes. */
// @ts-ignore: decorator
@inline
export function tanhLanes(x: v128): v128 {
  return tanhFour(x);
}
