import { passInterval } from '../ops/pointwise.ts';
import { gradientScale, learnedWeights, learnStep, rangeOf } from './kernels.ts';
import type { Method } from './method.ts';

/**
 * Scale and zero point both trained, the zero point a real number that the forward clamps and rounds. Gradients pass what is
 * rounded into the range, half an integer beyond its ends too (quantization.md eq. (15) to (17), (19)).
 */
export const learnedScale: Method = {
  activations: { scale: true, zeroPoint: 'learned' },
  weights: { scale: true },
  range: rangeOf,

  rangeGradients(_, { sums, range, elements, spec }) {
    const h = gradientScale(elements, spec.qmax - spec.qmin);
    const outside = sums.below + sums.above;
    return { scale: sums.scale * h, zeroPoint: -range.scale * outside * h };
  },

  quantizeWeights: learnedWeights,

  backwardWeights(cx, dy, w, refs, spec) {
    const { qmin, qmax } = spec;
    const limits = passInterval({ scale: 1, zeroPoint: 0, qmin, qmax });
    return learnStep(cx, dy, w, refs, spec, limits);
  },
};
