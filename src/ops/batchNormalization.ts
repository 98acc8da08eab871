import { checkNumber, rangeError } from '../core/errors.ts';
import type { OpDef, Ref, TrainContext } from '../core/op.ts';
import { showShape } from '../core/shape.ts';
import { sampleBytes } from './chunks.ts';
import { chunkedSums, pointwiseRule, tableOf, vector } from './pointwise.ts';

export interface NormAttrs {
  readonly epsilon: number;
  /** Share of the old running statistics that a step keeps. */
  readonly momentum: number;
}

/**
 * y = gamma · (x − mean) / sqrt(variance + epsilon) + beta, over the last axis (Ioffe and Szegedy 2015, algorithm 1)
 *
 * Inputs: x [N,…,C], gamma, beta, movingMean, movingVariance [C]. Training uses the statistics of the whole batch and
 * moves the running ones in place (with the unbiased variance, as Keras does); evaluation uses the running ones.
 */
export const batchNormalization = {
  name: 'batchNormalization',
  inferShape([x, ...parameters], attrs) {
    if (!x || x.length < 2) {
      throw rangeError('batchNormalization', 'the input must be [N,…,C]', x && showShape(x));
    }
    const channels = x[x.length - 1];
    for (const shape of parameters) {
      if (shape.length === 1 && shape[0] === channels) continue;
      const expected = `gamma, beta and statistics must be [${channels}]`;
      throw rangeError('batchNormalization', expected, showShape(shape));
    }
    checkNorm(attrs);
    return x;
  },
} as const satisfies OpDef<NormAttrs>;

/** At 0 a channel that is constant, as a dead one is, would be divided by 0. */
export function checkNorm({ epsilon, momentum }: NormAttrs): void {
  checkNumber('batchNormalization', 'momentum', momentum, 0, 1);
  if (Number.isFinite(epsilon) && epsilon > 0) return;
  throw rangeError('batchNormalization', 'epsilon must be a finite number > 0', epsilon);
}

/** Per channel, in f64. */
interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Gradients are those of `pointwiseGradients`. */
export const batchNormalizationF32 = /* @__PURE__ */ pointwiseRule<NormAttrs>(
  (cx, input, [gamma, beta, movingMean, movingVariance], { epsilon, momentum }) => {
    const x = input.ref;
    const moments = cx.training
      ? batchMoments(cx, x)
      : {
          mean: Float64Array.from(cx.f32(movingMean!)),
          variance: Float64Array.from(cx.f32(movingVariance!)),
        };
    if (cx.training) move(cx, moments, movingMean!, movingVariance!, momentum, tableOf(x.shape)[0]);
    const { mean } = moments;
    const inverse = moments.variance.map((variance) => 1 / Math.sqrt(variance + epsilon));
    const g = Float64Array.from(cx.f32(gamma!));
    const shift = cx.f32(beta!);
    const b = inverse.map((inv, c) => shift[c]! - mean[c]! * inv * g[c]!);
    const a = inverse.map((inv, c) => inv * g[c]!);
    const norm = { a: vector(cx, a), b: vector(cx, b), gamma: g, mean, inverse };
    const batchStatistics = cx.training;
    return { x, norm: { ...norm, batchStatistics }, lo: -Infinity, hi: Infinity };
  },
);

/**
 * Mean and biased variance. The sums are taken about the first row, so that what the subtraction below cancels is its distance from
 * the mean alone. Let that be k deviations σ, and U = 2⁻²⁴. Of d = x − first, Σd²/R is (1 + k²)·σ² and Σ|d|/R at most its root; d is
 * rounded, its square again, and blocks of 64 rows add 63 times in f32. To terms of U²,
 *
 *     mean       64·U·σ·sqrt(1 + k²)
 *     variance   66·U·σ²·(1 + k²) + 2·kσ·64·U·σ·sqrt(1 + k²)  ≤  U·σ²·(130 + 194·k²)
 *
 * are the largest errors. Those of 16,384 normal rows are some 300 times smaller: 2e-8 of the variance at k = 0, 4e-6 at 10.
 */
function batchMoments(cx: TrainContext, x: Ref): Moments {
  const [rows, channels] = tableOf(x.shape);
  const each = rows / x.shape[0]!;
  const sums = chunkedSums(cx, x, 2 * channels, (first, count, into) => {
    const from = x.ptr + first * sampleBytes(x);
    const squares = into + 8 * channels;
    cx.kernels.f32_moments(count * each, channels, from, x.ptr, into, squares);
  });
  const shifts = sums.subarray(0, channels).map((sum) => sum / rows);
  const about = cx.f32({ ...x, shape: [channels] });
  const mean = shifts.map((shift, c) => about[c]! + shift);
  const variance = shifts.map((shift, c) =>
    Math.max(0, sums[channels + c]! / rows - shift * shift),
  );
  return { mean, variance };
}

/** movingMean and movingVariance [C] ← momentum·old + (1 − momentum)·batch, in place, the variance of the batch unbiased. */
function move(
  cx: TrainContext,
  { mean, variance }: Moments,
  movingMean: Ref,
  movingVariance: Ref,
  momentum: number,
  rows: number,
): void {
  const m = cx.f32(movingMean);
  const v = cx.f32(movingVariance);
  const unbiased = rows > 1 ? rows / (rows - 1) : 1;
  for (let c = 0; c < m.length; c++) {
    m[c] = momentum * m[c]! + (1 - momentum) * mean[c]!;
    v[c] = momentum * v[c]! + (1 - momentum) * variance[c]! * unbiased;
  }
}
