import { describe, it } from 'vitest';
import type { StructFields } from '../../../src/core/abi.ts';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  argmaxReference,
  l2normReference,
  meanReference,
  softmaxReference,
} from '../../reference/int8/rows.ts';
import { randomBytes, ranges, same } from './cases.ts';

const guarded = new GuardedMemory(16);

/** Around each step width (4, 8, 16), primes, and the 256 rows after which a mean changes its accumulators. */
const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 61, 255, 256, 257, 1009];

const blocks = [
  ...lengths.map((n) => [2, n, 1] as const),
  ...lengths.map((n) => [1, n, 16] as const),
  ...[2, 3, 7, 8, 9, 15, 17, 31, 32, 33].map((inner) => [3, 5, inner] as const),
  [0, 4, 5] as const,
  [1, 513, 3] as const,
];

const inZeroPoints = [-128, 127, 4];

type Fields = StructFields<'RescaleParams'>;

function forEachFields(multipliers: readonly number[], visit: (fields: Fields) => void): void {
  for (const { zeroPoint, qmin, qmax } of ranges) {
    for (const multiplier of multipliers) {
      for (const inZeroPoint of inZeroPoints) {
        visit({ inZeroPoint, multiplier, outZeroPoint: zeroPoint, qmin, qmax });
      }
    }
  }
}

/** Random bytes; all one end; equal ones, which make ties and sums of 0. */
function drawBytes(rng: Rng, length: number, seed: number): Int8Array<ArrayBuffer> {
  if (seed % 3 === 1) return randomBytes(rng, length, true);
  if (seed % 3 === 2) return new Int8Array(length).fill(rng.below(256) - 128);
  return randomBytes(rng, length);
}

function blockSuite(kernels: InferKernels): void {
  it.each(blocks)('qs8_mean, %i x %i x %i', (outer, n, inner) => {
    const rng = new Rng(n);
    let seed = 0;
    forEachFields([1.3 / n, -0.7 / n, 1e30], (fields) => {
      guarded.reset();
      const x = drawBytes(rng, outer * n * inner, seed++);
      const y = guarded.output(new Int8Array(outer * inner), 'y', n % 16);
      const params = guarded.params('RescaleParams', fields).pointer;
      kernels.qs8_mean(params, outer, n, inner, guarded.inputAtEnd(x).pointer, y.pointer);
      guarded.check();
      same(JSON.stringify(fields), y.read(), meanReference(x, [outer, n, inner], fields));
    });
  });

  it.each(blocks)('qs8_argmax, %i x %i x %i', (outer, n, inner) => {
    for (let seed = 0; seed < 6; seed++) {
      guarded.reset();
      const x = drawBytes(new Rng(seed), outer * n * inner, seed);
      const y = guarded.output(new Int32Array(outer * inner), 'y');
      kernels.qs8_argmax(outer, n, inner, guarded.inputAtEnd(x).pointer, y.pointer);
      guarded.check();
      same(`seed ${seed}`, y.read(), argmaxReference(x, [outer, n, inner]));
    }
  });
}

/** e^(−d/17), and a table that only says which one is the largest. */
const tables = [
  Float32Array.from({ length: 256 }, (_, d) => Math.exp(-d / 17)),
  Float32Array.from({ length: 256 }, (_, d) => (d === 0 ? 1 : 0)),
];

function rowSuite(kernels: InferKernels): void {
  it.each(lengths)('qs8_softmax, rows of %i', (n) => {
    const rng = new Rng(n);
    let seed = 0;
    forEachFields([256, 31.7, -2e30], (fields) => {
      guarded.reset();
      const x = drawBytes(rng, 3 * n, seed);
      const table = tables[seed++ % 2]!;
      const y = guarded.output(x, 'y', n % 16);
      const params = guarded.params('RescaleParams', fields).pointer;
      const pt = guarded.input(table).pointer;
      kernels.qs8_softmax(3, n, guarded.inputAtEnd(x).pointer, pt, y.pointer, params);
      guarded.check();
      same(JSON.stringify(fields), y.read(), softmaxReference(x, n, table, fields));
    });
  });

  it.each(lengths)('qs8_l2norm, rows of %i', (n) => {
    const rng = new Rng(n);
    let seed = 0;
    forEachFields([128, 31.7, -2e30], (fields) => {
      guarded.reset();
      const x = drawBytes(rng, 3 * n, seed++);
      if (seed % 5 === 0) x.fill(fields.inZeroPoint);
      const y = guarded.output(x, 'y', n % 16);
      const params = guarded.params('RescaleParams', fields).pointer;
      kernels.qs8_l2norm(3, n, guarded.inputAtEnd(x).pointer, y.pointer, params);
      guarded.check();
      same(JSON.stringify(fields), y.read(), l2normReference(x, n, fields));
    });
  });

  it('both work in place', () => {
    const x = randomBytes(new Rng(1), 3 * 37);
    const fields = { inZeroPoint: 3, multiplier: 100, outZeroPoint: -5, qmin: -128, qmax: 127 };
    guarded.reset();
    const params = guarded.params('RescaleParams', fields).pointer;
    const table = guarded.input(tables[0]!).pointer;
    const [y, z] = [guarded.inout(x), guarded.inout(x)];
    kernels.qs8_softmax(3, 37, y.pointer, table, y.pointer, params);
    kernels.qs8_l2norm(3, 37, z.pointer, z.pointer, params);
    guarded.check();
    same('softmax', y.read(), softmaxReference(x, 37, tables[0]!, fields));
    same('l2norm', z.read(), l2normReference(x, 37, fields));
  });
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(name, () => {
    blockSuite(kernels);
    rowSuite(kernels);
  });
}
