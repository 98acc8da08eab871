import { describe, it } from 'vitest';
import { packedWinogradBytes, winogradScratchBytes } from '../../../src/core/int8Layout.ts';
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

const same = { kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1 };

/** Channels around the eight of one step; tiles around four neighbours, rows of tiles, blocks of 32. */
const cases: ConvCase[] = [
  ...[1, 2, 7, 8, 9, 15, 16, 17, 24, 33].map((inChannels) => ({
    ...{ name: `${inChannels} channels in`, ...same, inChannels },
  })),
  ...[1, 3, 7, 8, 9, 12, 16, 23].map((outChannels) => ({
    ...{ name: `${outChannels} channels out`, ...same, outChannels },
  })),
  ...[1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 13, 16, 17].map((inWidth) => ({
    ...{ name: `${inWidth} wide`, ...same, inWidth, inHeight: (inWidth * 7) % 11 || 1 },
  })),
  { name: 'valid', kernelHeight: 3, kernelWidth: 3, inWidth: 12, inHeight: 9 },
  { name: 'padded by 2', ...same, padTop: 2, padLeft: 2, inWidth: 9 },
  { name: 'padded unevenly', ...same, padTop: 0, padBottom: 2, padLeft: 2, padRight: 0 },
  { name: 'padded by 5', ...same, padTop: 5, padLeft: 5, inWidth: 2, inHeight: 3 },
  { name: 'several blocks', ...same, inWidth: 29, inHeight: 23, inChannels: 11, outChannels: 10 },
  { name: 'small blocks', ...same, inWidth: 13, inHeight: 7, inChannels: 200, outChannels: 3 },
  {
    name: 'the smallest blocks',
    ...same,
    inWidth: 9,
    inHeight: 8,
    inChannels: 300,
    outChannels: 3,
  },
  { name: 'batch', ...same, batch: 3, inWidth: 5, inHeight: 7, inChannels: 9 },
  { name: 'strided', ...same, inChannels: 13, inStride: 17, outChannels: 11, outStride: 19 },
  { name: 'qmin', ...same, qmin: -5 },
  { name: 'qmax', ...same, qmax: 20, outZeroPoint: 0 },
  { name: 'wild scales', ...same, scales: 'wild', outChannels: 40 },
  ...[-128, 127].flatMap((inZeroPoint) =>
    [-128, 0, 127].map((weightZeroPoint) => ({
      ...{ name: `extreme values, zero points ${inZeroPoint} and ${weightZeroPoint}`, ...same },
      ...{ inZeroPoint, weightZeroPoint, extreme: true, inChannels: 40, inWidth: 9 },
    })),
  ),
];

function check(kernels: InferKernels & TrainKernels, c: ConvCase, seed: number): void {
  const rng = new Rng(seed);
  const g = geometryOf(c);
  const { batch = 1, weightZeroPoint = 0 } = c;
  const { inChannels, outChannels } = g;
  const pixels = batch * g.inHeight * g.inWidth;
  const x = randomBytes(rng, (pixels - 1) * g.inStride + inChannels, c.extreme);
  const w = randomBytes(rng, outChannels * 9 * inChannels, c.extreme);
  // Sums must stay below 2²⁹, so no extreme bias.
  const epilogue = randomEpilogue(rng, g, 9 * inChannels, { ...c, extreme: false });
  const expected = conv2dReference({ batch, x, w, weightZeroPoint, geometry: g, epilogue });

  guarded.reset();
  const bytes = packedWinogradBytes(outChannels, inChannels);
  const packed = guarded.output(new Uint8Array(bytes), 'packed');
  const weights = guarded.input(w, 'w', seed).pointer;
  kernels.qs8_pack_winograd_weights(
    outChannels,
    inChannels,
    weightZeroPoint,
    weights,
    packed.pointer,
  );
  const params = guarded.params('ConvParams', {
    ...g,
    bias: guarded.input(epilogue.bias, 'bias'),
    multiplier: guarded.input(epilogue.multiplier, 'multiplier'),
    addend: guarded.input(epilogue.addend, 'addend'),
    magic: c.scales === 'wild' || seed === 2 ? 0 : 1,
  }).pointer;
  const scratch = guarded.scratch(winogradScratchBytes(inChannels)).pointer;
  const rows = Math.ceil(g.outHeight / 2);
  const outputs = (batch * g.outHeight * g.outWidth - 1) * g.outStride + outChannels;
  const y = guarded.output(new Int8Array(outputs), 'y', 3 * seed);
  const real = guarded.output(new Float32Array(outputs), 'u', 4 * seed);
  const input = (seed === 3 ? guarded.inputAtEnd(x) : guarded.input(x, 'x', seed)).pointer;
  const parts = rangesOf(rng, batch * rows, seed);
  for (const part of parts) {
    kernels.qs8_winograd2d(params, ...part, input, packed.pointer, y.pointer, scratch);
    kernels.qs8_f32_winograd2d(params, ...part, input, packed.pointer, real.pointer, scratch);
  }
  guarded.check();

  /** Pixels above row of tiles `row`. */
  const above = (row: number) => {
    const lines = Math.floor(row / rows) * g.outHeight + 2 * (row % rows);
    return lines * g.outWidth;
  };
  const [first, end] = unionOf(parts);
  const pixelRange = [above(first), above(end)] as const;
  expectOutputs(`seed ${seed}`, g, expected, epilogue, y.read(), real.read(), pixelRange);
}

for (const { name, kernels } of allImplementations(guarded.memory)) {
  describe(`${name} qs8_winograd2d and qs8_f32_winograd2d`, () => {
    it.each(cases)('$name', (c) => {
      for (let seed = 1; seed <= 3; seed++) check(kernels, c, seed);
    });
  });
}
