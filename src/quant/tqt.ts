import { log, power, tanh } from '../core/math.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { learnedWeights, rangeOf, weightGradients } from './kernels.ts';
import type { Method, OwnParameter } from './method.ts';

/** Share of the old average of squared gradients that a step keeps (Jain 2020, §B.3). */
const DECAY = 0.999;

/** Of a normed gradient: with it the steps of SGD with momentum 0.9 are the learning rate at most. */
const RATE = 0.1;

const LN2 = Math.LN2;

const own = (): Readonly<Record<string, OwnParameter>> => ({
  log2Threshold: {},
  // The average of squared gradients, and the weight that it has collected. A concat's members come to their gradients one by one: each has
  // an average of its own, of one gradient a step.
  squares: { trained: false, apart: true },
  weight: { trained: false, apart: true },
});

/**
 * Trained quantization thresholds (Jain 2020, arXiv 1903.08066): scales are powers of two, so that requantization is a shift; what is
 * trained is log₂ of the threshold, by gradients divided by their own running size (quantization.md eq. (42)). The zero point is 0,
 * or qmin after a relu.
 */
export const tqt: Method = {
  activations: { zeroPoint: 'symmetric', own },
  weights: { own },
  range: rangeOf,

  /** In the middle between two powers of two, so that neither is nearer: the one that is nearest to what was calibrated holds. */
  start({ scale, own: { log2Threshold } }, spec) {
    const levels = positiveLevels(spec);
    log2Threshold!.set(scale.map((s) => Math.round(log(s * levels) / LN2) - 0.5));
  },

  derive({ scale, own: { log2Threshold } }, spec) {
    const levels = positiveLevels(spec);
    scale.set(log2Threshold!.map((threshold) => powerOfTwo(Math.ceil(threshold)) / levels));
  },

  rangeGradients(cx, { sums, range, refs }) {
    const gradient = range.scale * LN2 * sums.scale;
    const squares = cx.f32(refs.own.squares!);
    const weight = cx.f32(refs.own.weight!);
    return { own: { log2Threshold: normed(gradient, squares, weight, 0) } };
  },

  quantizeWeights: learnedWeights,

  backwardWeights(cx, dy, w, refs, spec) {
    const { dx, dscale } = weightGradients(cx, dy, w, refs.scale, spec, [spec.qmin, spec.qmax]);
    const [scale, squares, weight] = [refs.scale, refs.own.squares!, refs.own.weight!].map((ref) =>
      cx.f32(ref),
    ) as [Float32Array, Float32Array, Float32Array];
    const gradients = cx.f32(dscale);
    gradients.forEach((gradient, i) => {
      gradients[i] = normed(scale[i]! * LN2 * gradient, squares, weight, i);
    });
    return { dx, own: { log2Threshold: dscale } };
  },
};

/** Steps of the scale up to the threshold: 2^(b−1) around 0, 2^b after a relu. */
function positiveLevels({ qmax, fixedZeroPoint = 0 }: QuantizerSpec): number {
  return qmax - fixedZeroPoint + 1;
}

/** Of exponents that leave a normal f32 scale. */
function powerOfTwo(exponent: number): number {
  const n = Math.min(60, Math.max(-60, exponent));
  return n < 0 ? 1 / power(2, -n) : power(2, n);
}

/** tanh of a gradient over its running size, which is updated. */
function normed(gradient: number, squares: Float32Array, weight: Float32Array, i: number): number {
  squares[i] = DECAY * squares[i]! + (1 - DECAY) * gradient * gradient;
  weight[i] = DECAY * weight[i]! + (1 - DECAY);
  const size = Math.sqrt(squares[i]! / weight[i]!);
  return size > 0 ? RATE * tanh(gradient / size) : 0;
}
