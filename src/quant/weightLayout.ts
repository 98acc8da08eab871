import { type Shape, sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';

/** Weights as [outer][channels][inner]: how the per-channel kernels walk them. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** The kept axis splits a shape in three: OHWI kept at 0 is [1][O][HWI], HWC kept at 2 is [HW][C][1]. */
export function channelLayout(shape: Shape, axis: number): ChannelLayout {
  const product = (extents: Shape) => extents.reduce((size, extent) => size * extent, 1);
  return {
    outer: product(shape.slice(0, axis)),
    channels: shape[axis]!,
    inner: product(shape.slice(axis + 1)),
  };
}

/** The part of weights that each scale of a quantizer covers: a channel of its axis, or all of them. */
export function scaleLayout(
  shape: Shape,
  { axis, scale }: Pick<QuantizerSpec, 'axis' | 'scale'>,
): ChannelLayout {
  const perTensor = scale.shape[0] === 1;
  return perTensor ? { outer: 1, channels: 1, inner: sizeOf(shape) } : channelLayout(shape, axis!);
}

/** The scale of each of `channels` output channels, from as many scales or from one for all. */
export function channelScales(scales: ArrayLike<number>, channels: number): Float32Array {
  return Float32Array.from({ length: channels }, (_, c) => scales[scales.length === 1 ? 0 : c]!);
}

/** Calls `visit(channel, element index)` for every element. */
export function forEachWeight(
  { outer, channels, inner }: ChannelLayout,
  visit: (channel: number, index: number) => void,
): void {
  for (let o = 0, at = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < inner; i++, at++) visit(c, at);
    }
  }
}

/** max |w| per channel. */
export function absoluteMaxima(w: ArrayLike<number>, layout: ChannelLayout): Float32Array {
  const maxima = new Float32Array(layout.channels);
  forEachWeight(layout, (c, i) => {
    maxima[c] = Math.max(maxima[c]!, Math.abs(w[i]!));
  });
  return maxima;
}
