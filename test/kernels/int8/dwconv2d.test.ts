import { describe, expect, it } from 'vitest';
import { dwconv2dScratchBytes, packedDepthwiseBytes } from '../../../src/core/int8Layout.ts';
import type { InferKernels, TrainKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { allImplementations } from '../../helpers/memory.ts';
import { dwconv2dReference } from '../../reference/int8/conv2d.ts';
import {
  type ConvCase,
  expectOutputs,
  geometryOf,
  randomBytes,
  randomEpilogue,
  rangesOf,
  unionOf,
} from './cases.ts';

const guarded = new GuardedMemory(64);

const same3x3 = { kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 };

const cases: ConvCase[] = [
  ...[1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 24, 31, 40].map((inChannels) => ({
    name: `3x3 same, ${inChannels} channels`,
    ...same3x3,
    inChannels,
  })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((inWidth) => [
    { name: `3x3 same, ${inWidth} wide`, ...same3x3, inWidth, inHeight: 10 - inWidth },
    {
      name: `3x3 stride 2, ${inWidth} wide`,
      ...same3x3,
      inWidth,
      inHeight: 10 - inWidth,
      strideHeight: 2,
      strideWidth: 2,
    },
  ]),
  { name: '3x3 same, several strips', ...same3x3, inHeight: 3, inWidth: 131 },
  { name: '3x3 same, one strip', ...same3x3, inHeight: 3, inWidth: 64 },
  {
    name: '3x3 stride 2, several strips',
    ...same3x3,
    inHeight: 4,
    inWidth: 259,
    strideHeight: 2,
    strideWidth: 2,
  },
  { name: '3x3 valid, several strips', kernelHeight: 3, kernelWidth: 3, inHeight: 3, inWidth: 131 },
  { name: '3x3 valid', kernelHeight: 3, kernelWidth: 3, inChannels: 12 },
  {
    name: '3x3 stride 2, padded after',
    ...same3x3,
    padTop: 0,
    padLeft: 0,
    padBottom: 1,
    padRight: 1,
    strideHeight: 2,
    strideWidth: 2,
    inHeight: 8,
    inWidth: 8,
  },
  { name: '3x3 stride 1 down, 2 across', ...same3x3, strideWidth: 2, inWidth: 9 },
  { name: '3x3 stride 2 down, 1 across', ...same3x3, strideHeight: 2, inWidth: 9 },
  { name: '3x3 stride 3', ...same3x3, strideHeight: 3, strideWidth: 3, inWidth: 11, inHeight: 10 },
  {
    name: '3x3 dilated',
    ...same3x3,
    padTop: 2,
    padLeft: 3,
    dilationHeight: 2,
    dilationWidth: 3,
    inWidth: 11,
  },
  { name: '3x3 dilated down only', ...same3x3, padTop: 2, dilationHeight: 2 },
  { name: '3x3 padded by 3', ...same3x3, padTop: 3, padLeft: 3 },
  { name: '3x3 padded unevenly', ...same3x3, padTop: 0, padBottom: 2, padLeft: 2, padRight: 1 },
  { name: '3x3 strided pixels', ...same3x3, inChannels: 11, inStride: 17, outStride: 19 },
  { name: '3x3 batch', ...same3x3, batch: 3, inChannels: 10, inHeight: 4, inWidth: 3 },
  { name: '1x1', inChannels: 9 },
  { name: '2x2', kernelHeight: 2, kernelWidth: 2, padBottom: 1, padRight: 1, inChannels: 9 },
  {
    name: '5x5 same',
    kernelHeight: 5,
    kernelWidth: 5,
    padTop: 2,
    padLeft: 2,
    inHeight: 9,
    inWidth: 8,
  },
  {
    name: '7x7 of a 3x3 image',
    kernelHeight: 7,
    kernelWidth: 7,
    padTop: 3,
    padLeft: 3,
    inHeight: 3,
    inWidth: 3,
  },
  {
    name: '10x4 stride 2',
    kernelHeight: 10,
    kernelWidth: 4,
    padTop: 4,
    padBottom: 5,
    padLeft: 1,
    padRight: 1,
    strideHeight: 2,
    strideWidth: 2,
    inHeight: 13,
    inWidth: 10,
  },
  ...[1, 2, 3].flatMap((stride) =>
    [1, 2, 3, 4, 9, 17].map((inWidth) => ({
      ...{ name: `5x5 stride ${stride}, ${inWidth} wide`, kernelHeight: 5, kernelWidth: 5 },
      ...{ strideHeight: stride, strideWidth: stride, padTop: 2, padLeft: 2, inWidth, inHeight: 7 },
      inChannels: 11,
    })),
  ),
  {
    ...{ name: '7x7, several strips', kernelHeight: 7, kernelWidth: 7, padTop: 3, padLeft: 3 },
    ...{ inHeight: 3, inWidth: 150 },
  },
  {
    ...{ name: '5x3 dilated, several strips', kernelHeight: 5, kernelWidth: 3, padTop: 4 },
    ...{ padLeft: 5, dilationHeight: 2, dilationWidth: 5, strideWidth: 2, inWidth: 201 },
  },
  {
    ...{ name: 'a window too wide for strips', kernelHeight: 23, kernelWidth: 50, padTop: 2 },
    ...{ padLeft: 3, inHeight: 23, inWidth: 47, inChannels: 9 },
  },
  {
    ...{ name: 'taps too far apart for strips', kernelHeight: 2, kernelWidth: 3, padLeft: 600 },
    ...{ dilationWidth: 600, inHeight: 2, inWidth: 5 },
  },
  { name: '1x7', kernelWidth: 7, padLeft: 3, padTop: 0, inWidth: 9 },
  { name: 'a whole image', kernelHeight: 5, kernelWidth: 6, inChannels: 33 },
  { name: 'qmin', ...same3x3, qmin: -5 },
  { name: 'qmax', ...same3x3, qmax: 3, outZeroPoint: 3 },
  { name: 'wild scales', ...same3x3, scales: 'wild', inChannels: 24 },
  { name: 'accumulators that wrap', ...same3x3, scales: 'wild', extreme: true, inChannels: 24 },
  { name: 'zero points -128', ...same3x3, inZeroPoint: -128, outZeroPoint: -128 },
  { name: 'zero points 127', ...same3x3, inZeroPoint: 127, outZeroPoint: 127, extreme: true },
  ...[-128, 23, 127].flatMap((weightZeroPoint) =>
    [2, 3, 5].map((kernelHeight) => ({
      ...{ name: `${kernelHeight}x3, weights with zero point ${weightZeroPoint}`, kernelHeight },
      ...{ kernelWidth: 3, padTop: 1, padLeft: 1, inChannels: 11, weightZeroPoint },
      ...{ extreme: weightZeroPoint !== 23, inZeroPoint: -1 - weightZeroPoint },
    })),
  ),
];

function dwconv2dSuite(name: string, kernels: InferKernels & TrainKernels): void {
  describe(`${name} qs8_dwconv2d`, () => {
    it.each(cases)('$name', (c) => {
      for (let seed = 1; seed <= 3; seed++) check(kernels, c, seed);
    });
  });
}

function check(kernels: InferKernels & TrainKernels, c: ConvCase, seed: number): void {
  const rng = new Rng(seed);
  const g = geometryOf({ ...c, outChannels: c.inChannels ?? 8 });
  const { batch = 1, weightZeroPoint = 0 } = c;
  const { outChannels: channels, kernelHeight, kernelWidth } = g;
  const taps = kernelHeight * kernelWidth;
  const length = (batch * g.inHeight * g.inWidth - 1) * g.inStride + channels;
  const x = randomBytes(rng, length, c.extreme);
  const w = randomBytes(rng, taps * channels, c.extreme);
  const epilogue = randomEpilogue(rng, g, taps, c);
  const expected = dwconv2dReference({ batch, x, w, weightZeroPoint, geometry: g, epilogue });

  guarded.reset();
  const bytes = packedDepthwiseBytes(channels, kernelHeight, kernelWidth);
  const packed = guarded.output(new Uint8Array(bytes), 'packed');
  const weights = guarded.input(w, 'w', seed);
  kernels.qs8_pack_dwconv_weights(
    channels,
    kernelHeight,
    kernelWidth,
    weightZeroPoint,
    weights.pointer,
    packed.pointer,
  );
  const params = guarded.params('ConvParams', {
    ...g,
    bias: guarded.input(epilogue.bias, 'bias'),
    multiplier: guarded.input(epilogue.multiplier, 'multiplier'),
    addend: guarded.input(epilogue.addend, 'addend'),
    magic: c.scales === 'wild' || c.extreme || seed === 2 ? 0 : 1,
  });
  const scratch = guarded.scratch(dwconv2dScratchBytes(channels, kernelHeight, kernelWidth));
  const outputs = (batch * g.outHeight * g.outWidth - 1) * g.outStride + channels;
  const y = guarded.output(new Int8Array(outputs), 'y', 3 * seed);
  const u = guarded.output(new Float32Array(outputs), 'u', 4 * seed);
  const input = seed === 3 ? guarded.inputAtEnd(x) : guarded.input(x, 'x', seed);
  const args = [input.pointer, packed.pointer] as const;
  const parts = rangesOf(rng, batch * g.outHeight, seed);
  for (const part of parts) {
    kernels.qs8_dwconv2d(params.pointer, ...part, ...args, y.pointer, scratch.pointer);
    kernels.qs8_f32_dwconv2d(params.pointer, ...part, ...args, u.pointer, scratch.pointer);
  }
  guarded.check();
  const [first, end] = unionOf(parts);
  const pixels = [first * g.outWidth, end * g.outWidth] as const;
  expectOutputs(`${c.name}, seed ${seed}`, g, expected, epilogue, y.read(), u.read(), pixels);
}

for (const { name, kernels } of allImplementations(guarded.memory)) {
  dwconv2dSuite(name, kernels);
}

describe('qs8_dwconv2d', () => {
  it('is fed by a packing that draws the documented layout', () => {
    guarded.reset();
    const w = Int8Array.from({ length: 3 * 2 * 9 }, (_, i) => i - 27);
    const [simd, scalar] = allImplementations(guarded.memory).map(({ kernels }) => {
      const packed = guarded.output(new Int16Array(packedDepthwiseBytes(9, 3, 2) / 2));
      kernels.qs8_pack_dwconv_weights(9, 3, 2, 100, guarded.input(w).pointer, packed.pointer);
      return packed.read();
    });
    const expected = new Int16Array(simd!.length);
    expected.forEach((_, at) => {
      const [row, c] = [at % 2, (at >> 1) % 8];
      const [pair, column, group] = [(at >> 4) % 2, (at >> 5) % 2, at >> 6];
      const [i, channel] = [pair * 2 + row, group * 8 + c];
      if (i < 3 && channel < 9) expected[at] = w[(i * 2 + column) * 9 + channel]! - 100;
    });
    expect(simd).toEqual(expected);
    expect(scalar).toEqual(expected);
  });
});
