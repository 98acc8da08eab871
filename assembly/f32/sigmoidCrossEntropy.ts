import { expLanes, expScalar, logScalar } from '../lib/exp';

/**
 * Binary cross-entropy of logits, the sigmoid included: with e = e^−|x|,
 *
 *     sum = Σ max(x, 0) − x·y + log(1 + e)      dx = (sigmoid(x) − y) · scale
 *
 * x   [n] f32    read; logits
 * y   [n] f32    read; targets in [0, 1]
 * dx  [n] f32    written; may be x or y
 * sum [1] f64    written
 *
 * All in f64, rounded to f32 once; no exponential overflows. Two sums, of even and of odd i.
 */
export function f32_sigmoid_cross_entropy__scalar(
  n: i32, x: usize, y: usize, dx: usize, sum: usize, scale: f32,
): void {
  let even = 0.0;
  let odd = 0.0;
  for (let i = 0; i < n; i++, x += 4, y += 4, dx += 4) {
    const logit = <f64>load<f32>(x);
    const target = <f64>load<f32>(y);
    const e = expScalar(-abs(logit));
    const loss = lossOf(logit, target, e);
    if (i & 1) odd += loss;
    else even += loss;
    const upper = (logit < 0.0 ? e : 1.0) / (1.0 + e);
    store<f32>(dx, <f32>((upper - target) * <f64>scale));
  }
  store<f64>(sum, even + odd);
}

// @ts-ignore: decorator
@inline
function lossOf(logit: f64, target: f64, e: f64): f64 {
  return (logit < 0.0 ? 0.0 : logit) - logit * target + logScalar(1.0 + e);
}

export function f32_sigmoid_cross_entropy__simd128(
  n: i32, x: usize, y: usize, dx: usize, sum: usize, scale: f32,
): void {
  const one = f64x2.splat(1);
  const scales = f64x2.splat(<f64>scale);
  let even = 0.0;
  let odd = 0.0;
  for (const end = dx + (<usize>(n & ~1) << 2); dx < end; x += 8, y += 8, dx += 8) {
    const logits = f64x2.promote_low_f32x4(v128.load64_zero(x));
    const targets = f64x2.promote_low_f32x4(v128.load64_zero(y));
    const e = expLanes(f64x2.neg(f64x2.abs(logits)));
    const numerator = v128.bitselect(e, one, f64x2.lt(logits, f64x2.splat(0)));
    const upper = f64x2.div(numerator, f64x2.add(one, e));
    const gradient = f64x2.mul(f64x2.sub(upper, targets), scales);
    v128.store64_lane(dx, f32x4.demote_f64x2_zero(gradient), 0);
    even += lossOf(
      f64x2.extract_lane(logits, 0), f64x2.extract_lane(targets, 0), f64x2.extract_lane(e, 0),
    );
    odd += lossOf(
      f64x2.extract_lane(logits, 1), f64x2.extract_lane(targets, 1), f64x2.extract_lane(e, 1),
    );
  }
  if (n & 1) {
    const logit = <f64>load<f32>(x);
    const target = <f64>load<f32>(y);
    const e = expScalar(-abs(logit));
    even += lossOf(logit, target, e);
    const upper = (logit < 0.0 ? e : 1.0) / (1.0 + e);
    store<f32>(dx, <f32>((upper - target) * <f64>scale));
  }
  store<f64>(sum, even + odd);
}
