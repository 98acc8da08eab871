import { describe, expect, it } from 'vitest';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  avgpoolReference,
  maxpoolReference,
  type PoolGeometry,
} from '../../reference/int8/pool.ts';
import { randomBytes, rangesOf, unionOf } from './cases.ts';

const guarded = new GuardedMemory(16);

interface PoolCase extends Partial<PoolGeometry> {
  readonly name: string;
  readonly batch?: number;
}

const square = (kernel: number, stride: number, pad = 0) => ({
  ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride },
  ...{ padTop: pad, padLeft: pad },
});

const cases: PoolCase[] = [
  ...[1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 40].map((channels) => ({
    name: `2x2, ${channels} channels`,
    channels,
  })),
  { name: '3x3 stride 2, padded', ...square(3, 2, 1), outHeight: 3, outWidth: 4 },
  { name: '3x3 stride 1, padded', ...square(3, 1, 1), outHeight: 5, outWidth: 7 },
  { name: '3x2 unevenly', ...square(3, 1), kernelWidth: 2, padLeft: 1, outHeight: 4, outWidth: 8 },
  {
    name: 'a whole image',
    ...square(1, 1),
    kernelHeight: 5,
    kernelWidth: 7,
    outHeight: 1,
    outWidth: 1,
    channels: 33,
  },
  ...[15, 16, 17].map((kernel) => ({
    ...{ name: `${kernel}x${kernel}: ${kernel * kernel} taps`, ...square(kernel, 1), channels: 9 },
    ...{ inHeight: kernel, inWidth: kernel, outHeight: 1, outWidth: 1, inZeroPoint: 127 },
  })),
  { name: 'windows wholly outside', ...square(2, 1, 3), outHeight: 10, outWidth: 12 },
  { name: 'batch', batch: 3, channels: 5 },
  { name: 'clamped', qmin: -3, qmax: 11 },
  { name: 'zero points -128', inZeroPoint: -128, outZeroPoint: -128 },
  { name: 'zero points 127', inZeroPoint: 127, outZeroPoint: 127 },
  {
    name: 'one M for all counts',
    ...square(3, 2, 1),
    outHeight: 3,
    outWidth: 4,
    multiplierStride: 0,
  },
];

function check(kernels: InferKernels, c: PoolCase, seed: number): void {
  const g: PoolGeometry = {
    ...{ inHeight: 5, inWidth: 7, channels: 8, outHeight: 2, outWidth: 3, ...square(2, 2) },
    ...{ inZeroPoint: 4, outZeroPoint: -9, qmin: -128, qmax: 127, multiplierStride: 1 },
    ...c,
  };
  const { batch = 1 } = c;
  const rng = new Rng(seed);
  const x = randomBytes(rng, batch * g.inHeight * g.inWidth * g.channels);
  const multiplier = Float32Array.from(
    { length: g.kernelHeight * g.kernelWidth },
    (_, i) => (0.7 + rng.uniform()) / (i + 1),
  );
  guarded.reset();
  const length = batch * g.outHeight * g.outWidth * g.channels;
  const max = guarded.output(new Int8Array(length), 'max', seed);
  const average = guarded.output(new Int8Array(length), 'average', seed);
  const m = guarded.input(multiplier, 'multiplier');
  const params = guarded.params('PoolParams', { ...g, multiplier: m }).pointer;
  const input = (seed === 3 ? guarded.inputAtEnd(x) : guarded.input(x, 'x', 2 * seed)).pointer;
  const parts = rangesOf(rng, batch * g.outHeight, seed);
  for (const part of parts) {
    kernels.qs8_maxpool2d(params, ...part, input, max.pointer);
    kernels.qs8_avgpool2d(params, ...part, input, average.pointer);
  }
  guarded.check();
  const label = `seed ${seed}, ${JSON.stringify(g)}`;
  const rowBytes = g.outWidth * g.channels;
  const [first, end] = unionOf(parts);
  /** What is not computed keeps the fill of outputs. */
  const computed = (q: number, at: number) =>
    at < first * rowBytes || at >= end * rowBytes ? 0x77 : q;
  expect(max.read(), label).toEqual(maxpoolReference(x, batch, g).map(computed));
  expect(average.read(), label).toEqual(avgpoolReference(x, batch, g, multiplier).map(computed));
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(`${name} qs8_maxpool2d and qs8_avgpool2d`, () => {
    it.each(cases)('$name', (c) => {
      for (let seed = 1; seed <= 3; seed++) check(kernels, c, seed);
    });
  });
}
