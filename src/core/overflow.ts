/**
 * Bounds on accumulators from the actual weights (quantization.md eq. (11)):
 *
 *     |acc[c]| ≤ max|x − z_x| · Σ |w[c, ·] − z_w| + |bias[c]|
 */

export interface ChannelWeights {
  readonly data: Int8Array;
  readonly channels: number;
  /** Elements that share a channel and stand together: the channel of element i is floor(i / inner) % channels. */
  readonly inner: number;
  /** 0 where none is given. */
  readonly zeroPoint?: number;
}

/** Accumulators are int32. */
export const MAX_ACCUMULATOR = 2 ** 31 - 1;

/** Σ |w − z_w| per channel. */
export function absoluteSums(weights: ChannelWeights): Float64Array {
  const { data, channels, inner, zeroPoint = 0 } = weights;
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; ) {
    const c = (i / inner) % channels;
    for (const end = i + inner; i < end; i++) sums[c]! += Math.abs(data[i]! - zeroPoint);
  }
  return sums;
}

/** The largest |x − z| over int8 x. */
export function maxDistance(zeroPoint: number): number {
  return Math.max(127 - zeroPoint, zeroPoint + 128);
}

/** Largest possible |acc + bias| per channel. */
export function accumulatorBounds(
  weights: ChannelWeights,
  zeroPoint: number,
  bias: ArrayLike<number> | undefined,
): Float64Array {
  const distance = maxDistance(zeroPoint);
  return absoluteSums(weights).map((sum, c) => sum * distance + Math.abs(bias?.[c] ?? 0));
}

/** A bound of every channel that holds for all weights: nobody reads the millions that there may be. */
export function looseBound(
  { data, channels, zeroPoint: weightZero = 0 }: ChannelWeights,
  zeroPoint: number,
  bias: Int32Array | undefined,
): number {
  let most = 0;
  if (bias) for (let c = 0; c < channels; c++) most = Math.max(most, Math.abs(bias[c]!));
  return (data.length / channels) * maxDistance(weightZero) * maxDistance(zeroPoint) + most;
}

/** The largest |value|; NaN if there is one. Positive floats are ordered as their bits are, and integers cost no allocation. */
export function largestMagnitude({ buffer, byteOffset, length }: Float32Array): number {
  const bits = new Int32Array(buffer, byteOffset, length);
  let most = 0;
  for (let i = 0; i < length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > most) most = magnitude;
  }
  return new Float32Array(Int32Array.of(most).buffer)[0]!;
}

/** The magic-bias rounding is exact only while |acc + bias|·|M| + |B| < 2²². */
const MAGIC_LIMIT = 2 ** 22;

/**
 * Whether a channel can leave the range of magic-bias rounding, so that u must be clamped before it. |acc + bias| is at
 * most `bound`.
 */
export function needsClampedRounding(bound: number, multiplier: number, addend: number): boolean {
  // The factor covers the three f32 roundings on the way to u.
  return !((bound * Math.abs(multiplier) + Math.abs(addend)) * 1.000001 < MAGIC_LIMIT);
}
