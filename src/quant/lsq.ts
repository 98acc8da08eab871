import { gradientScale, learnedWeights, learnStep, rangeOf } from './kernels.ts';
import type { Method } from './method.ts';

/**
 * Learned step size (Esser 2020, arXiv 1902.08153): the scale is trained, per channel or per tensor. Activations have their zero
 * point from calibration, qmin after a relu (quantization.md eq. (15), (16), (18), (19)).
 */
export const lsq: Method = {
  activations: { scale: true },
  weights: { scale: true },
  range: rangeOf,

  /** Q_P counts the integers above 0: the paper's 2^b − 1 after a relu and 2^(b−1) − 1 around 0. */
  rangeGradients(_, { sums, range, elements, spec }) {
    const levels = Math.max(1, spec.qmax - range.zeroPoint);
    return { scale: sums.scale * gradientScale(elements, levels) };
  },

  quantizeWeights: learnedWeights,

  backwardWeights(cx, dy, w, refs, spec) {
    return learnStep(cx, dy, w, refs, spec, [spec.qmin, spec.qmax]);
  },
};
