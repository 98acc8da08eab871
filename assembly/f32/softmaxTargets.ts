import { expLanes, expScalar, logScalar } from '../lib/exp';

/**
 * Cross-entropy of softmax(z) against a weight for each class, z = logits · sharpness, row by row:
 *
 *     losses[r] = Σ_c q[c] · (log Σ e^z − z[c])      dlogits = (Σq · softmax(z) − q) · scale
 *
 * logits  [rows, classes] f32    read
 * q       [rows, classes] f32    read; ≥ 0, in a distribution Σq = 1
 * dlogits [rows, classes] f32    written; may be logits
 * losses  [rows] f32             written
 *
 * The maximum of a row is subtracted before e^z. All is f64 in two lanes, of even and odd classes, rounded to f32 once.
 */
export function f32_softmax_targets__scalar(
  rows: i32, classes: i32, logits: usize, q: usize, dlogits: usize, losses: usize,
  sharpness: f32, scale: f32,
): void {
  const row = <usize>classes << 2;
  const sharp = <f64>sharpness;
  for (let r = 0; r < rows; r++, logits += row, q += row, dlogits += row, losses += 4) {
    const top = <f64>largest(logits, logits + row);
    let even = 0.0;
    let odd = 0.0;
    let evenQ = 0.0;
    let oddQ = 0.0;
    let evenZ = 0.0;
    let oddZ = 0.0;
    for (let c = 0; c < classes; c++) {
      const z = exponent(<f64>load<f32>(logits + (<usize>c << 2)), top, sharp);
      const weight = <f64>load<f32>(q + (<usize>c << 2));
      if (c & 1) {
        odd += expScalar(z);
        oddQ += weight;
        oddZ += weight * z;
      } else {
        even += expScalar(z);
        evenQ += weight;
        evenZ += weight * z;
      }
    }
    const sum = even + odd;
    const total = evenQ + oddQ;
    const factor = total / sum;
    for (let c: usize = 0; c < row; c += 4) {
      gradientOf(logits + c, q + c, dlogits + c, top, sharp, factor, <f64>scale);
    }
    store<f32>(losses, <f32>(total * logScalar(sum) - (evenZ + oddZ)));
  }
}

/** A logit of −∞ has a finite exponent, so that q = 0 makes it 0. */
// @ts-ignore: decorator
@inline const LOWEST: f64 = -1e300;

// @ts-ignore: decorator
@inline
function exponent(logit: f64, top: f64, sharpness: f64): f64 {
  const z = (logit - top) * sharpness;
  return z < LOWEST ? LOWEST : z;
}

// @ts-ignore: decorator
@inline
function gradientOf(
  logit: usize, q: usize, dlogit: usize, top: f64, sharpness: f64, factor: f64, scale: f64,
): void {
  const e = expScalar(exponent(<f64>load<f32>(logit), top, sharpness));
  store<f32>(dlogit, <f32>((e * factor - <f64>load<f32>(q)) * scale));
}

// @ts-ignore: decorator
@inline
function largest(x: usize, end: usize): f32 {
  let top = load<f32>(x);
  for (; x < end; x += 4) {
    const v = load<f32>(x);
    top = top < v ? v : top;
  }
  return top;
}

/** Two exponents. */
// @ts-ignore: decorator
@inline
function exponents(logits: usize, tops: v128, sharpness: v128): v128 {
  const x = f64x2.promote_low_f32x4(v128.load64_zero(logits));
  return f64x2.pmax(f64x2.mul(f64x2.sub(x, tops), sharpness), f64x2.splat(LOWEST));
}

export function f32_softmax_targets__simd128(
  rows: i32, classes: i32, logits: usize, q: usize, dlogits: usize, losses: usize,
  sharpness: f32, scale: f32,
): void {
  const row = <usize>classes << 2;
  const pairs = <usize>(classes & ~1) << 2;
  const sharp = f64x2.splat(<f64>sharpness);
  const scales = f64x2.splat(<f64>scale);
  for (let r = 0; r < rows; r++, logits += row, q += row, dlogits += row, losses += 4) {
    const top = <f64>largest(logits, logits + row);
    const tops = f64x2.splat(top);
    let sums = f64x2.splat(0);
    let totals = sums;
    let products = sums;
    for (let c: usize = 0; c < pairs; c += 8) {
      const z = exponents(logits + c, tops, sharp);
      const weights = f64x2.promote_low_f32x4(v128.load64_zero(q + c));
      sums = f64x2.add(sums, expLanes(z));
      totals = f64x2.add(totals, weights);
      products = f64x2.add(products, f64x2.mul(weights, z));
    }
    let even = f64x2.extract_lane(sums, 0);
    let evenQ = f64x2.extract_lane(totals, 0);
    let evenZ = f64x2.extract_lane(products, 0);
    if (classes & 1) {
      const z = exponent(<f64>load<f32>(logits + pairs), top, <f64>sharpness);
      const weight = <f64>load<f32>(q + pairs);
      even += expScalar(z);
      evenQ += weight;
      evenZ += weight * z;
    }
    const sum = even + f64x2.extract_lane(sums, 1);
    const total = evenQ + f64x2.extract_lane(totals, 1);
    const factor = total / sum;
    const factors = f64x2.splat(factor);
    for (let c: usize = 0; c < pairs; c += 8) {
      const e = expLanes(exponents(logits + c, tops, sharp));
      const weights = f64x2.promote_low_f32x4(v128.load64_zero(q + c));
      const gradient = f64x2.mul(f64x2.sub(f64x2.mul(e, factors), weights), scales);
      v128.store64_lane(dlogits + c, f32x4.demote_f64x2_zero(gradient), 0);
    }
    if (classes & 1) {
      gradientOf(
        logits + pairs, q + pairs, dlogits + pairs, top, <f64>sharpness, factor, <f64>scale,
      );
    }
    const product = evenZ + f64x2.extract_lane(products, 1);
    store<f32>(losses, <f32>(total * logScalar(sum) - product));
  }
}
