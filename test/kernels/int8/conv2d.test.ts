import { describe, expect, it } from 'vitest';
import {
  conv2dScratchBytes,
  packedWeightsBytes,
  paddedDepth,
} from '../../../src/core/int8Layout.ts';
import type { InferKernels, TrainKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { allImplementations } from '../../helpers/memory.ts';
import { conv2dReference } from '../../reference/int8/conv2d.ts';
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

/** Sizes around the edges of the 4×8 tile, of the pairs of k and of the 16 bytes of one packing step. */
const matrices: ConvCase[] = [
  { name: 'k_eq', inChannels: 16 },
  { name: 'k_lt', inChannels: 1 },
  { name: 'k_lt pair', inChannels: 3 },
  { name: 'k_gt', inChannels: 17 },
  { name: 'k_div', inChannels: 48 },
  { name: 'k_prime', inChannels: 131 },
  { name: 'n_gt', outChannels: 9 },
  { name: 'n_div', outChannels: 24 },
  { name: 'n_prime', outChannels: 23 },
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => ({ name: `subtile n=${n}`, outChannels: n })),
  ...[1, 2, 3, 4, 5, 7].map((m) => ({ name: `subtile m=${m}`, inHeight: 1, inWidth: m })),
  { name: 'strided', inChannels: 13, inStride: 17, outChannels: 11, outStride: 19 },
  { name: 'qmin', qmin: -5, inChannels: 40 },
  { name: 'qmax', qmax: 20, outZeroPoint: 0, inChannels: 40 },
  { name: 'several blocks', inHeight: 23, inWidth: 29, inChannels: 35, outChannels: 10 },
  { name: 'a panel larger than a block', inHeight: 2, inWidth: 3, inChannels: 2100 },
  { name: 'batch', batch: 3, inHeight: 3, inWidth: 5, inChannels: 11, outChannels: 9 },
];

const windows: ConvCase[] = [
  { name: '3x3 same', kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1, outChannels: 12 },
  { name: '3x3 valid', kernelHeight: 3, kernelWidth: 3, inWidth: 9 },
  {
    name: '3x3 of 3 channels',
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
    inChannels: 3,
  },
  {
    name: '3x3 stride 2, padded after',
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: 2,
    strideWidth: 2,
    padBottom: 1,
    padRight: 1,
    inHeight: 8,
    inWidth: 8,
    inChannels: 3,
  },
  {
    name: '3x3 dilated',
    kernelHeight: 3,
    kernelWidth: 3,
    dilationHeight: 2,
    dilationWidth: 3,
    padTop: 2,
    padLeft: 3,
    inHeight: 9,
    inWidth: 11,
  },
  {
    name: '3x3 dilated down only',
    kernelHeight: 3,
    kernelWidth: 3,
    dilationHeight: 2,
    padTop: 2,
    padLeft: 1,
    inHeight: 9,
  },
  {
    name: '5x2 asymmetric',
    kernelHeight: 5,
    kernelWidth: 2,
    padTop: 3,
    padBottom: 1,
    padLeft: 0,
    padRight: 1,
    strideHeight: 3,
    inHeight: 11,
    inChannels: 10,
  },
  { name: '1x7', kernelHeight: 1, kernelWidth: 7, padLeft: 3, inWidth: 13, inChannels: 5 },
  { name: '7x1', kernelHeight: 7, kernelWidth: 1, padTop: 3, inHeight: 13, inChannels: 5 },
  {
    name: '1x1 stride 2',
    strideHeight: 2,
    strideWidth: 2,
    inHeight: 7,
    inWidth: 9,
    inChannels: 20,
  },
  { name: '1x1 padded', padTop: 1, padLeft: 2, inChannels: 6 },
  {
    name: '3x3 strided pixels',
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
    inChannels: 6,
    inStride: 11,
    outChannels: 5,
    outStride: 7,
  },
  {
    name: '3x3 odd strided pixels',
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
    inChannels: 7,
    inStride: 11,
  },
  {
    name: 'kernel larger than the image',
    kernelHeight: 5,
    kernelWidth: 5,
    padTop: 2,
    padLeft: 2,
    inHeight: 2,
    inWidth: 2,
    inChannels: 4,
  },
  {
    name: 'windows wholly outside',
    kernelHeight: 2,
    kernelWidth: 2,
    padTop: 4,
    padLeft: 3,
    inHeight: 2,
    inWidth: 2,
  },
  {
    name: '3x3 batch',
    batch: 3,
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
    inHeight: 3,
    inWidth: 5,
    inChannels: 9,
  },
  {
    name: '3x3 several blocks',
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
    inHeight: 9,
    inWidth: 10,
    inChannels: 16,
  },
];

/** Rows of an odd number of taps and channels, which are padded, around the steps of 8 and 16. */
const oddRuns: ConvCase[] = [1, 3, 5, 7].flatMap((kernelWidth) =>
  [1, 3, 5].flatMap((inChannels) =>
    [1, 2].map((stride) => ({
      ...{ name: `3x${kernelWidth} of ${inChannels} channels, stride ${stride}`, kernelHeight: 3 },
      ...{ kernelWidth, inChannels, strideHeight: stride, strideWidth: stride, padTop: 1 },
      ...{ padLeft: kernelWidth >> 1, inWidth: 13, inHeight: 7, outChannels: 9 },
    })),
  ),
);

const values: ConvCase[] = [
  { name: 'accumulators that wrap', extreme: true, inChannels: 64, scales: 'wild' },
  {
    name: 'wild scales',
    scales: 'wild',
    outChannels: 40,
    kernelHeight: 3,
    kernelWidth: 3,
    padTop: 1,
    padLeft: 1,
  },
  {
    name: 'zero points -128',
    inZeroPoint: -128,
    outZeroPoint: -128,
    extreme: true,
    inChannels: 33,
  },
  {
    name: 'zero points 127',
    inZeroPoint: 127,
    outZeroPoint: 127,
    inChannels: 33,
    kernelHeight: 2,
    kernelWidth: 2,
    padTop: 1,
    padLeft: 1,
  },
  { name: 'one value left', qmin: 7, qmax: 7, outZeroPoint: 7 },
  { name: 'weights with a zero point', weightZeroPoint: 23, inChannels: 19, outChannels: 11 },
  ...[-128, 127].map((weightZeroPoint) => ({
    ...{ name: `weights with zero point ${weightZeroPoint}`, weightZeroPoint, extreme: true },
    ...{ inZeroPoint: -1 - weightZeroPoint, inChannels: 37, outChannels: 9, kernelWidth: 3 },
    padLeft: 1,
  })),
];

function conv2dSuite(name: string, kernels: InferKernels & TrainKernels): void {
  describe(`${name} qs8_conv2d`, () => {
    it.each([...matrices, ...windows, ...oddRuns, ...values])('$name', (c) => {
      for (let seed = 1; seed <= 3; seed++) check(kernels, c, seed);
    });
  });
}

function check(kernels: InferKernels & TrainKernels, c: ConvCase, seed: number): void {
  const rng = new Rng(seed);
  const g = geometryOf(c);
  const { batch = 1, weightZeroPoint = 0 } = c;
  const k = g.kernelHeight * g.kernelWidth * g.inChannels;
  const pixels = batch * g.inHeight * g.inWidth;
  const x = randomBytes(rng, (pixels - 1) * g.inStride + g.inChannels, c.extreme);
  const w = randomBytes(rng, g.outChannels * k, c.extreme);
  const epilogue = randomEpilogue(rng, g, k, c);
  const expected = conv2dReference({ batch, x, w, weightZeroPoint, geometry: g, epilogue });
  const label = `${c.name}, seed ${seed}, ${JSON.stringify(g)}`;

  guarded.reset();
  const depth = paddedDepth(g);
  const packed = guarded.output(new Uint8Array(packedWeightsBytes(g.outChannels, depth)), 'packed');
  const weights = guarded.input(w, 'w', seed);
  const [rows, run] = [g.kernelHeight, g.kernelWidth * g.inChannels];
  kernels.qs8_pack_weights(
    g.outChannels,
    rows,
    run,
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
  const scratch = guarded.scratch(conv2dScratchBytes(depth));
  const outputs = (batch * g.outHeight * g.outWidth - 1) * g.outStride + g.outChannels;
  const y = guarded.output(new Int8Array(outputs), 'y', 3 * seed);
  const real = guarded.output(new Float32Array(outputs), 'u', 4 * seed);
  const input = seed === 3 ? guarded.inputAtEnd(x) : guarded.input(x, 'x', seed);
  const args = [input.pointer, packed.pointer] as const;
  const parts = rangesOf(rng, batch * g.outHeight * g.outWidth, seed);
  for (const part of parts) {
    kernels.qs8_conv2d(params.pointer, ...part, ...args, y.pointer, scratch.pointer);
    kernels.qs8_f32_conv2d(params.pointer, ...part, ...args, real.pointer, scratch.pointer);
  }
  guarded.check();
  expectOutputs(label, g, expected, epilogue, y.read(), real.read(), unionOf(parts));
}

for (const { name, kernels } of allImplementations(guarded.memory)) conv2dSuite(name, kernels);

describe('qs8_conv2d', () => {
  it.each([
    [1, 1, 1],
    [8, 1, 2],
    [9, 1, 7],
    [17, 1, 24],
    [3, 1, 131],
    [9, 3, 9],
    [2, 2, 21],
    [10, 3, 16],
  ])(
    'is fed by a packing that draws the documented layout, n %i, %i rows of %i',
    (n, rows, run) => {
      guarded.reset();
      const w = randomBytes(new Rng(n), n * rows * run);
      const pairs = Math.ceil(run / 2);
      const [simd, scalar] = allImplementations(guarded.memory).map(({ kernels }) => {
        const packed = guarded.output(new Int16Array(packedWeightsBytes(n, rows * pairs * 2) / 2));
        kernels.qs8_pack_weights(n, rows, run, -100, guarded.input(w).pointer, packed.pointer);
        guarded.check();
        return packed.read();
      });
      const expected = simd!.map((_, at) => {
        const pair = Math.floor(at / 16);
        const i = (pair % pairs) * 2 + (at % 2);
        const row = Math.floor(pair / pairs) % rows;
        const j = Math.floor(pair / pairs / rows) * 8 + ((at >> 1) % 8);
        return i < run && j < n ? w[(j * rows + row) * run + i]! + 100 : 0;
      });
      expect(simd).toEqual(expected);
      expect(scalar).toEqual(expected);
    },
  );
});
