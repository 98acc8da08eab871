import type { Shape } from '../core/shape.ts';

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
