import { rangeFromBounds } from './bounds.ts';
import { MIN_SCALE, rangeOf } from './kernels.ts';
import { lsq } from './lsq.ts';
import type { Method } from './method.ts';

/**
 * Parameterized clipping (Choi 2018, arXiv 1805.06085): activations are clipped at a trained α, which weight decay draws in, and
 * gradients of what is clipped train it. Values of both signs have a second bound, −β. Weights learn their step (quantization.md
 * eq. (41)).
 */
export const pact: Method = {
  ...lsq,
  activations: {
    own: (clamped) => {
      const bound = { decay: true, minimum: MIN_SCALE };
      return clamped ? { alpha: bound } : { alpha: bound, beta: { decay: true, minimum: 0 } };
    },
  },
  weights: { scale: true },
  range: rangeOf,

  start({ scale, zeroPoint, own: { alpha, beta } }, { qmin, qmax, target, fixedZeroPoint }) {
    if (target === 'weight') return;
    const z = zeroPoint ? zeroPoint[0]! : fixedZeroPoint!;
    alpha![0] = Math.max(MIN_SCALE, (qmax - z) * scale[0]!);
    if (beta) beta[0] = Math.max(0, (z - qmin) * scale[0]!);
  },

  derive({ scale, zeroPoint, own: { alpha, beta } }, spec) {
    if (spec.target === 'weight') return;
    const range = rangeFromBounds(beta ? -beta[0]! : 0, alpha![0]!, spec);
    scale[0] = range.scale;
    if (zeroPoint) zeroPoint[0] = range.zeroPoint;
  },

  rangeGradients(_, { sums, refs }) {
    return { own: { alpha: sums.above, ...(refs.own.beta && { beta: -sums.below }) } };
  },
};
