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

/**
 * Largest possible |acc + bias| per channel. Where all must only be known to be at most `room`, weights are not looked at
 * if any weights would do: there may be millions of them.
 */
export function accumulatorBounds(
  weights: ChannelWeights,
  zeroPoint: number,
  bias: ArrayLike<number> | undefined,
  room = 0,
): Float64Array {
  const distance = maxDistance(zeroPoint);
  const { data, channels } = weights;
  const most = (data.length / channels) * maxDistance(weights.zeroPoint ?? 0) * distance;
  const loose = new Float64Array(channels).fill(most);
  if (bias) for (let c = 0; c < channels; c++) loose[c]! += Math.abs(bias[c]!);
  if (loose.every((bound) => bound <= room)) return loose;
  return absoluteSums(weights).map((sum, c) => sum * distance + Math.abs(bias?.[c] ?? 0));
}

/** The magic-bias rounding is exact only while |acc + bias|·|M| + |B| < 2²². */
const MAGIC_LIMIT = 2 ** 22;

/**
 * Whether some channel can leave the range of magic-bias rounding, so that u must be clamped before it. `bounds` are
 * those of `accumulatorBounds`.
 */
export function needsClampedRounding(
  bounds: Float64Array,
  requant: { readonly multiplier: ArrayLike<number>; readonly addend: ArrayLike<number> },
): boolean {
  const { multiplier, addend } = requant;
  // The factor covers the three f32 roundings on the way to u.
  return bounds.some(
    (bound, c) =>
      !((bound * Math.abs(multiplier[c]!) + Math.abs(addend[c]!)) * 1.000001 < MAGIC_LIMIT),
  );
}
