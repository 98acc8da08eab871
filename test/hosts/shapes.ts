import { Rng } from '../../src/core/rng.ts';
import { type ConvCase, paramsOf, randomCase } from '../kernels/f32/geometry.ts';
import type { PoolParams } from '../reference/f32/params.ts';

/** [n, k] around the edges of panels of 8, of pairs of k, of the 16 bytes of a packing step. */
export const matrices = [
  [1, 1],
  [7, 2],
  [8, 15],
  [9, 16],
  [16, 17],
  [23, 131],
] as const;

/** Rows, units and features of dense layers, around blocks of eight rows, sixteen units and 512 features. */
export const denseLayers = [
  [1, 1, 1],
  [3, 17, 9],
  [8, 16, 32],
  [9, 23, 45],
  [33, 34, 521],
] as const;

/** Lengths around the edges of 4, 8, 16 and 64 lanes. */
export const lengths = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 131, 1021];

const same3x3 = { kernel: [3, 3], pad: [1, 1, 1, 1] } as const;
const rng = new Rng(1);

export const convolutions: ConvCase[] = [
  ...[1, 3, 4, 8, 17, 131].map((ci) => ({ name: `pointwise, ci ${ci}`, ci, co: 8 })),
  ...[1, 5, 7, 9, 23].map((co) => ({ name: `pointwise, co ${co}`, ci: 16, co })),
  ...[1, 2, 3, 4, 5, 7].map((w) => ({ name: `${w} pixels`, ci: 5, co: 9, size: [1, w] as const })),
  { name: '3x3 same', ci: 8, co: 12, size: [9, 10], ...same3x3 },
  { name: '3x3 of 3 channels, stride 2', ci: 3, co: 8, stride: [2, 2], ...same3x3 },
  { name: 'dense layer', ci: 700, co: 19, batch: 3, size: [1, 1] },
  ...Array.from({ length: 24 }, () => randomCase(rng, (r) => [1 + r.below(13), 1 + r.below(19)])),
];

/** 3x3 with stride 1. */
export const winograds: ConvCase[] = [
  ...[1, 7, 8, 9, 24].map((ci) => ({ name: `3x3, ci ${ci}`, ci, co: 9, ...same3x3 })),
  ...[1, 5, 9, 11].map((w) => ({
    ...{ name: `3x3, ${w} wide`, ci: 5, co: 8, size: [12 - w, w] as const },
    ...same3x3,
  })),
];

/** 3x3 with stride 2, channels in eights. */
export const stridedWinograds: ConvCase[] = [
  ...[8, 24].map((ci) => ({
    ...{ name: `3x3 by 2, ci ${ci}`, ci, co: 16, size: [7, 9] as const },
    ...{ ...same3x3, stride: [2, 2] as const },
  })),
  ...[1, 4, 11].map((w) => ({
    ...{ name: `3x3 by 2, ${w} wide`, ci: 8, co: 8, size: [12 - w, w] as const },
    ...{ ...same3x3, stride: [2, 2] as const },
  })),
];

export const depthwise: ConvCase[] = [
  ...[1, 3, 4, 7, 8, 9, 15, 16, 17, 40].map((c) => ({
    ...{ name: `3x3, ${c} channels`, ci: c, co: c },
    ...same3x3,
  })),
  ...[1, 2, 4, 5, 9].map((w) => ({
    ...{ name: `3x3, ${w} wide`, ci: 8, co: 8, size: [10 - w, w] as const },
    ...same3x3,
  })),
  { name: '3x3 stride 2', ci: 8, co: 8, size: [7, 8], stride: [2, 2], ...same3x3 },
  ...Array.from({ length: 24 }, () => {
    const channels = 1 + rng.below(19);
    return randomCase(rng, () => [channels, channels]);
  }),
];

/** A case with its params and the sizes of its operands, in elements. */
export function sized(c: ConvCase) {
  const p = paramsOf(c);
  const batch = c.batch ?? 2;
  return {
    p,
    batch,
    n: p.outChannels,
    k: p.kernelHeight * p.kernelWidth * p.inChannels,
    taps: p.kernelHeight * p.kernelWidth,
    inputs: batch * p.inHeight * p.inWidth * p.inStride,
    outputs: batch * p.outHeight * p.outWidth * p.outStride,
  };
}

export interface PoolCase {
  readonly size: readonly [number, number];
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad?: number;
}

export const pools: PoolCase[] = [
  ...[1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33].map((channels) => {
    return { size: [4, 6] as const, channels, kernel: 2, stride: 2 };
  }),
  { size: [7, 8], channels: 6, kernel: 3, stride: 2, pad: 1 },
  { size: [5, 5], channels: 8, kernel: 3, stride: 1, pad: 1 },
  { size: [7, 7], channels: 13, kernel: 7, stride: 1 },
  { size: [9, 10], channels: 20, kernel: 2, stride: 3 },
];

/** Params of a pooling of two images, and the sizes of its operands, in elements. */
export function sizedPool({ size, channels, kernel, stride, pad = 0 }: PoolCase) {
  const extent = (n: number) => Math.floor((n + 2 * pad - kernel) / stride) + 1;
  const p: PoolParams = {
    ...{ inHeight: size[0], inWidth: size[1], channels },
    ...{ outHeight: extent(size[0]), outWidth: extent(size[1]) },
    ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride },
    ...{ padTop: pad, padLeft: pad, inZeroPoint: 4, outZeroPoint: -9, qmin: -128, qmax: 127 },
    ...{ multiplier: 0, multiplierStride: 1 },
  };
  const batch = 2;
  return {
    p,
    batch,
    inputs: batch * p.inHeight * p.inWidth * channels,
    outputs: batch * p.outHeight * p.outWidth * channels,
  };
}

/** [rows, channels] around the 64 rows that are summed in f32 and the lanes of 4 and 8. */
export const tables = [1, 3, 4, 5, 8, 9, 17, 37].flatMap((channels) =>
  [1, 3, 63, 64, 65, 150].map((rows) => [rows, channels] as const),
);

/**
 * Weights as [outer, channels, inner]: rows of a channel, and channels side by side; one with more channels than a cache line has
 * scales, so that threads divide it.
 */
export const weights: readonly (readonly [number, number, number])[] = [
  ...[1, 3, 4, 5, 8, 63, 64, 65, 1153].map((inner) => [1, 3, inner] as const),
  ...[1, 3, 4, 5, 8, 9, 17].map((channels) => [9, channels, 1] as const),
  [2, 4, 70] as const,
  [1, 37, 6] as const,
];
