import { describe, expect, it } from 'vitest';
import { gemvScratchBytes } from '../../../src/core/int8Layout.ts';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { roundToRange } from '../../../src/core/rounding.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { conv2dReference } from '../../reference/int8/conv2d.ts';
import {
  type ConvCase,
  geometryOf,
  randomBytes,
  randomEpilogue,
  rangesOf,
  unionOf,
} from './cases.ts';

const guarded = new GuardedMemory(64);

/** inHeight counts the rows. k around the eight of a turn and the sixteen of a row, outputs around a panel of eight. */
const cases: ConvCase[] = [
  ...[1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 131, 1000].map((inChannels) => ({
    ...{ name: `k ${inChannels}`, inChannels, outChannels: 11 },
  })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 23, 65].map((outChannels) => ({
    ...{ name: `n ${outChannels}`, outChannels, inChannels: 20 },
  })),
  ...[2, 3, 5].map((inHeight) => ({ name: `${inHeight} rows`, inHeight, outChannels: 19 })),
  { name: 'strided', inHeight: 3, inChannels: 13, inStride: 17, outChannels: 11, outStride: 19 },
  { name: 'qmin', qmin: -5, inChannels: 40 },
  { name: 'qmax', qmax: 20, outZeroPoint: 0, inChannels: 40 },
  { name: 'wild scales', scales: 'wild', outChannels: 40 },
  { name: 'accumulators that wrap', extreme: true, inChannels: 64, scales: 'wild' },
  { name: 'zero points -128', inZeroPoint: -128, outZeroPoint: -128, extreme: true },
  { name: 'zero points 127', inZeroPoint: 127, outZeroPoint: 127, inChannels: 33 },
];

function check(kernels: InferKernels, c: ConvCase, seed: number): void {
  const rng = new Rng(seed);
  const g = geometryOf({ inHeight: 1, inWidth: 1, ...c });
  const { outHeight: rows, inChannels: k, outChannels: n } = g;
  const x = randomBytes(rng, (rows - 1) * g.inStride + k, c.extreme);
  const w = randomBytes(rng, n * k, c.extreme);
  const epilogue = randomEpilogue(rng, g, k, c);
  const expected = conv2dReference({ batch: 1, x, w, weightZeroPoint: 0, geometry: g, epilogue });

  guarded.reset();
  const weights = (seed === 2 ? guarded.inputAtEnd(w) : guarded.input(w, 'w', seed)).pointer;
  const params = guarded.params('ConvParams', {
    ...g,
    bias: guarded.input(epilogue.bias, 'bias'),
    multiplier: guarded.input(epilogue.multiplier, 'multiplier'),
    addend: guarded.input(epilogue.addend, 'addend'),
    magic: c.scales === 'wild' || c.extreme || seed === 2 ? 0 : 1,
  }).pointer;
  const scratch = guarded.scratch(gemvScratchBytes(rows, k)).pointer;
  const y = guarded.output(new Int8Array((rows - 1) * g.outStride + n), 'y', 3 * seed);
  const input = (seed === 3 ? guarded.inputAtEnd(x) : guarded.input(x, 'x', seed)).pointer;
  const parts = rangesOf(rng, Math.ceil(n / 8), seed);
  for (const part of parts) kernels.qs8_gemv(params, ...part, input, weights, y.pointer, scratch);
  guarded.check();

  const [first, end] = unionOf(parts).map((panel) => 8 * panel) as [number, number];
  y.read().forEach((q, at) => {
    const [row, unit] = [Math.floor(at / g.outStride), at % g.outStride];
    const written = unit < n && unit >= first && unit < end;
    const u = expected.u[row * n + unit]!;
    const wanted = written ? roundToRange(u, g.outZeroPoint, g.qmin, g.qmax) : 0x77;
    if (q === wanted) return;
    expect.fail(`seed ${seed}: y[${at}] is ${q}, expected ${wanted}; ${JSON.stringify(g)}`);
  });
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(`${name} qs8_gemv`, () => {
    it.each(cases)('$name', (c) => {
      for (let seed = 1; seed <= 3; seed++) check(kernels, c, seed);
    });
  });
}
