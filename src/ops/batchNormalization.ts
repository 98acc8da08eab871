import { checkNumber, rangeError } from '../core/errors.ts';
import type { F32Rule, OpDef, Ref, TrainContext } from '../core/op.ts';
import { showShape, sizeOf } from '../core/shape.ts';
import { CHUNKS, forEachChunk, sampleBytes } from './chunks.ts';

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

interface NormSaved {
  /** 1 / sqrt(variance + epsilon) */
  readonly inverse: Float64Array;
  readonly mean: Float64Array;
  /** Whether mean and variance depend on x. */
  readonly batchStatistics: boolean;
}

export const batchNormalizationF32: F32Rule<NormAttrs> = {
  forward(cx, [x, gamma, beta, movingMean, movingVariance], { epsilon, momentum }) {
    const moments = cx.training
      ? batchMoments(cx, x!)
      : {
          mean: Float64Array.from(cx.f32(movingMean!)),
          variance: Float64Array.from(cx.f32(movingVariance!)),
        };
    if (cx.training) move(cx, moments, movingMean!, movingVariance!, momentum, rowsOf(x!));
    const { mean } = moments;
    const inverse = moments.variance.map((variance) => 1 / Math.sqrt(variance + epsilon));
    const g = cx.f32(gamma!);
    const b = cx.f32(beta!);
    const scale = Float32Array.from(inverse, (inv, c) => inv * g[c]!);
    const shift = Float32Array.from(inverse, (inv, c) => b[c]! - mean[c]! * inv * g[c]!);
    const output = cx.alloc(x!.shape);
    affine(cx, x!, scale, shift, output);
    const extra: NormSaved = { inverse, mean, batchStatistics: cx.training };
    return { output, extra };
  },

  /**
   * With batch statistics, R rows and x̂ = (x − mean)·inverse:
   *     dgamma = Σ dy·x̂     dbeta = Σ dy     dx = gamma·inverse·(dy − dbeta/R − x̂·dgamma/R)
   * With running statistics the last two terms vanish.
   */
  backward(cx, dy, { inputs: [x, gamma], extra }) {
    const { inverse, mean, batchStatistics } = extra as NormSaved;
    const { sumDy, sumDyX } = normSums(cx, x!, dy, mean);
    const rows = rowsOf(x!);
    const g = Float64Array.from(cx.f32(gamma!));
    const dgamma = sumDyX.map((sum, c) => sum * inverse[c]!);
    const share = batchStatistics ? 1 / rows : 0;
    const a = g.map((gain, c) => gain * inverse[c]!);
    const b = a.map((gain, c) => -gain * inverse[c]! * dgamma[c]! * share);
    const d = a.map((gain, c) => -gain * sumDy[c]! * share - b[c]! * mean[c]!);
    const dx = cx.alloc(x!.shape);
    const [pa, pb, pd] = channelArrays(cx, [a, b, d]) as [number, number, number];
    cx.kernels.f32_batchnorm_backward(rows, g.length, x!.ptr, dy.ptr, pa, pb, pd, dx.ptr);
    return [dx, vector(cx, dgamma), vector(cx, sumDy)];
  },
};

function rowsOf(x: Ref): number {
  return sizeOf(x.shape) / x.shape[x.shape.length - 1]!;
}

function vector(cx: TrainContext, values: Float64Array): Ref {
  const ref = cx.alloc([values.length]);
  cx.f32(ref).set(values);
  return ref;
}

function channelArrays(cx: TrainContext, arrays: readonly ArrayLike<number>[]): number[] {
  return arrays.map((array) => vector(cx, Float64Array.from(array)).ptr);
}

function affine(cx: TrainContext, x: Ref, scale: Float32Array, shift: Float32Array, y: Ref): void {
  const [a, b] = channelArrays(cx, [scale, shift]) as [number, number];
  cx.kernels.f32_vaffine(rowsOf(x), scale.length, x.ptr, a, b, y.ptr);
}

/**
 * Sums over rows of two channel vectors, in fixed chunks, f32 in short blocks and f64 above them. `work` adds to
 * f64 [2][C] at the pointers it gets.
 */
function chunkedSums(
  cx: TrainContext,
  x: Ref,
  work: (first: number, rows: number, a: number, b: number) => void,
): [Float64Array, Float64Array] {
  const channels = x.shape[x.shape.length - 1]!;
  const parts = cx.zeros([CHUNKS, 2, channels], 'f64');
  const rows = rowsOf(x) / x.shape[0]!;
  cx.together(() =>
    forEachChunk(x.shape[0]!, (first, count, chunk) => {
      const at = parts.ptr + chunk * 16 * channels;
      work(first, count * rows, at, at + 8 * channels);
    }),
  );
  const view = cx.f64(parts);
  const total = new Float64Array(2 * channels);
  for (let i = 0; i < view.length; i++) total[i % total.length]! += view[i]!;
  return [total.subarray(0, channels), total.subarray(channels)];
}

/** Mean and biased variance; the sums are taken about the first row, which keeps the subtraction below harmless. */
function batchMoments(cx: TrainContext, x: Ref): Moments {
  const channels = x.shape[x.shape.length - 1]!;
  const [sums, squares] = chunkedSums(cx, x, (first, rows, a, b) =>
    cx.kernels.f32_moments(rows, channels, x.ptr + first * sampleBytes(x), x.ptr, a, b),
  );
  const rows = rowsOf(x);
  const about = cx.f32({ ...x, shape: [channels] });
  const mean = sums.map((sum, c) => about[c]! + sum / rows);
  const variance = squares.map((square, c) => {
    const shift = sums[c]! / rows;
    return Math.max(0, square / rows - shift * shift);
  });
  return { mean, variance };
}

function normSums(cx: TrainContext, x: Ref, dy: Ref, mean: Float64Array) {
  const [about] = channelArrays(cx, [mean]) as [number];
  const [sumDy, sumDyX] = chunkedSums(cx, x, (first, rows, a, b) => {
    const offset = first * sampleBytes(x);
    cx.kernels.f32_batchnorm_sums(rows, mean.length, x.ptr + offset, dy.ptr + offset, about, a, b);
  });
  return { sumDy, sumDyX };
}

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
