import { gradientScale, learnedWeights, learnStep, levelsBesideZero, rangeOf } from './kernels.ts';
import type { Method } from './method.ts';

/**
 * Learned step size (Esser 2020, arXiv 1902.08153): the scale is trained, per channel or per tensor. Activations have their zero
 * point from calibration, qmin after a relu (quantization.md eq. (15), (16), (18), (19)).
 */
export const lsq: Method = {
  activations: { scale: true },
  weights: { scale: true },
  range: rangeOf,

  rangeGradients(_, { sums, range, elements, spec }) {
    const levels = levelsBesideZero(spec, range.zeroPoint);
    return { scale: sums.scale * gradientScale(elements, levels) };
  },

  quantizeWeights: learnedWeights,

  backwardWeights(cx, dy, w, refs, spec) {
    return learnStep(cx, dy, w, refs, spec, [spec.qmin, spec.qmax]);
  },
};
