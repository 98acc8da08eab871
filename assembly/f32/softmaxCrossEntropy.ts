import { expLanes, expScalar, logScalar } from '../lib/exp';

/**
 * losses[r] = log Σ_c e^logits[r, c] − logits[r, labels[r]]      dlogits = (softmax(logits) − onehot(labels)) · scale
 *
 * logits  [rows, classes] f32    read
 * labels  [rows] i32             read, each in [0, classes)
 * dlogits [rows, classes] f32    written; may be logits
 * losses  [rows] f32             written
 *
 * The maximum of a row is subtracted before e^x. Exponentials, their sum (two lanes: even and odd classes) and the
 * logarithm are f64; dlogits is rounded to f32 once for the exponential and once for the result.
 */
export function f32_softmax_cross_entropy__scalar(
  rows: i32, classes: i32, logits: usize, labels: usize, dlogits: usize, losses: usize, scale: f32,
): void {
  const row = <usize>classes << 2;
  for (let r = 0; r < rows; r++, logits += row, labels += 4, dlogits += row, losses += 4) {
    const top = <f64>largest(load<f32>(logits), logits, logits + row);
    const label = <usize>load<i32>(labels) << 2;
    const chosen = <f64>load<f32>(logits + label) - top;
    let even = 0.0;
    let odd = 0.0;
    for (let c = 0; c < classes; c++) {
      const e = expScalar(<f64>load<f32>(logits + (<usize>c << 2)) - top);
      store<f32>(dlogits + (<usize>c << 2), <f32>e);
      if (c & 1) odd += e;
      else even += e;
    }
    const sum = even + odd;
    const factor = <f64>scale / sum;
    for (let p = dlogits, end = dlogits + row; p < end; p += 4) {
      store<f32>(p, <f32>(<f64>load<f32>(p) * factor));
    }
    finishRow(sum, chosen, label, dlogits, losses, scale);
  }
}

/** The label's gradient and the loss. softmax − 1 is taken in f64: in f32 it would lose what is left near 1. */
// @ts-ignore: decorator
@inline
function finishRow(
  sum: f64, chosen: f64, label: usize, dlogits: usize, loss: usize, scale: f32,
): void {
  store<f32>(dlogits + label, <f32>((expScalar(chosen) / sum - 1.0) * <f64>scale));
  store<f32>(loss, <f32>(logScalar(sum) - chosen));
}

// @ts-ignore: decorator
@inline
function largest(top: f32, x: usize, end: usize): f32 {
  for (; x < end; x += 4) {
    const v = load<f32>(x);
    top = top < v ? v : top;
  }
  return top;
}

export function f32_softmax_cross_entropy__simd128(
  rows: i32, classes: i32, logits: usize, labels: usize, dlogits: usize, losses: usize, scale: f32,
): void {
  const row = <usize>classes << 2;
  const pairs = <usize>(classes & ~1) << 2;
  for (let r = 0; r < rows; r++, logits += row, labels += 4, dlogits += row, losses += 4) {
    const top = <f64>largest(load<f32>(logits), logits, logits + row);
    const label = <usize>load<i32>(labels) << 2;
    const chosen = <f64>load<f32>(logits + label) - top;
    const tops = f64x2.splat(top);
    let sums = f64x2.splat(0);
    for (let c: usize = 0; c < pairs; c += 8) {
      const x = f64x2.promote_low_f32x4(v128.load64_zero(logits + c));
      const e = expLanes(f64x2.sub(x, tops));
      v128.store64_lane(dlogits + c, f32x4.demote_f64x2_zero(e), 0);
      sums = f64x2.add(sums, e);
    }
    let even = f64x2.extract_lane(sums, 0);
    if (classes & 1) {
      const e = expScalar(<f64>load<f32>(logits + pairs) - top);
      store<f32>(dlogits + pairs, <f32>e);
      even += e;
    }
    const sum = even + f64x2.extract_lane(sums, 1);
    const factor = <f64>scale / sum;
    for (let p = dlogits, end = dlogits + row; p < end; p += 4) {
      store<f32>(p, <f32>(<f64>load<f32>(p) * factor));
    }
    finishRow(sum, chosen, label, dlogits, losses, scale);
  }
}
