import { roundToRange } from '../core/rounding.ts';
import { gradientScale, levelsBesideZero } from './kernels.ts';
import { lsq } from './lsq.ts';
import type { Method } from './method.ts';

/**
 * LSQ+ (Bhalgat 2020, arXiv 2004.09576): scale and offset β are trained, x̂ = s·q + β. Integers need β = −s·z, so the zero point is
 * rte(−β/s), and β passes straight through this rounding (quantization.md eq. (40)). After a relu β is −s·qmin, and weights are
 * symmetric: both are LSQ then.
 */
export const lsqPlus: Method = {
  ...lsq,
  activations: { scale: true, own: (clamped) => (clamped ? {} : { beta: {} }) },

  start({ scale, zeroPoint, own: { beta } }) {
    if (beta && zeroPoint) beta[0] = -zeroPoint[0]! * scale[0]!;
  },

  derive({ scale, zeroPoint, own: { beta } }, { qmin, qmax }) {
    if (beta && zeroPoint) zeroPoint[0] = roundToRange(-beta[0]! / scale[0]!, 0, qmin, qmax);
  },

  rangeGradients(_, { sums, range, elements, spec, refs }) {
    const h = gradientScale(elements, levelsBesideZero(spec, range.zeroPoint));
    if (!refs.own.beta) return { scale: sums.scale * h };
    const outside = sums.below + sums.above;
    // ∂x̂/∂s is the integer itself outside the range, β held, where eq. (16) has its distance from z.
    return { scale: (sums.scale + range.zeroPoint * outside) * h, own: { beta: outside * h } };
  },
};
