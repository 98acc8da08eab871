/**
 * M and B of the requantization, the one place that computes them (quantization.md eq. (8) to (10)). Evaluation while
 * training and `convert` both call it, and the bundle stores what it returns.
 *
 *     y_real[c] = k[c] · (s_x · s_w[c] · acc + bias[c] − mean[c]) + beta[c],      k = gamma / sqrt(variance + epsilon)
 *     M[c] = s_x · s_w[c] · k[c] / s_y            B[c] = (k[c] · (bias[c] − mean[c]) + beta[c]) / s_y
 *
 * Everything is computed in f64 and rounded once to f32. Without batch normalization k = 1, mean = beta = 0.
 */
export interface FoldInput {
  readonly channels: number;
  readonly inScale: number;
  /** One entry per channel, or one for all. */
  readonly weightScale: ArrayLike<number>;
  readonly outScale: number;
  readonly bias?: ArrayLike<number> | undefined;
  readonly norm?: NormInput | undefined;
}

/** Frozen batch normalization; `gamma` and `beta` default to 1 and 0. */
export interface NormInput {
  readonly gamma?: ArrayLike<number> | undefined;
  readonly beta?: ArrayLike<number> | undefined;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon: number;
}

export interface Requant {
  /** M, f32 [channels] */
  readonly multiplier: Float32Array<ArrayBuffer>;
  /** B, f32 [channels] */
  readonly addend: Float32Array<ArrayBuffer>;
}

export function foldRequant(input: FoldInput): Requant {
  const { channels, inScale, weightScale, outScale, bias, norm } = input;
  const multiplier = new Float32Array(channels);
  const addend = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const scale = weightScale[weightScale.length === 1 ? 0 : c]!;
    const { k, mean, beta } = channelNorm(norm, c);
    multiplier[c] = (inScale * scale * k) / outScale;
    addend[c] = (k * ((bias?.[c] ?? 0) - mean) + beta) / outScale;
  }
  return { multiplier, addend };
}

function channelNorm(norm: NormInput | undefined, c: number) {
  if (!norm) return { k: 1, mean: 0, beta: 0 };
  const k = (norm.gamma?.[c] ?? 1) / Math.sqrt(norm.variance[c]! + norm.epsilon);
  return { k, mean: norm.mean[c]!, beta: norm.beta?.[c] ?? 0 };
}
