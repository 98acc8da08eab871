import { describe, it } from 'vitest';
import { matmulScratchBytes } from '../../../src/core/int8Layout.ts';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { convFields, PLAIN_WINDOW } from '../../../src/ops/geometry.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  causalSoftmaxReference,
  layernormReference,
  type Matrices,
  matmulReference,
} from '../../reference/int8/attention.ts';
import { randomBytes, ranges, same } from './cases.ts';

const guarded = new GuardedMemory(16);

/** Around the step of 8, and primes. */
const lengths = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 61, 257];

const filled = (n: number, value: (i: number) => number) =>
  Float32Array.from({ length: Math.ceil(n / 8) * 8 }, (_, i) => (i < n ? value(i) : 0));

function normSuite(kernels: InferKernels): void {
  it.each(lengths)('qs8_layernorm, rows of %i', (n) => {
    const rng = new Rng(n);
    for (const [size, epsilon] of [
      [50, 0.001],
      [-3, 1e6],
      [1e30, 1e-40],
    ] as const) {
      for (const { zeroPoint: outZeroPoint, qmin, qmax } of ranges) {
        for (const inZeroPoint of [-128, 127, 4]) {
          guarded.reset();
          const x = randomBytes(rng, 3 * n, outZeroPoint === 127);
          // A row of equal numbers has no deviation but epsilon.
          x.fill(inZeroPoint === 4 ? 90 : inZeroPoint, 0, n);
          const multiplier = filled(n, () => size * (rng.uniform() - 0.3));
          const addend = filled(n, () => 40 * (rng.uniform() - 0.5));
          const range = { inZeroPoint, epsilon, outZeroPoint, qmin, qmax };
          const y = guarded.output(x, 'y', n % 16);
          const places = {
            multiplier: guarded.input(multiplier),
            addend: guarded.input(addend),
          };
          const params = guarded.params('NormParams', { ...range, ...places }).pointer;
          kernels.qs8_layernorm(3, n, guarded.inputAtEnd(x).pointer, y.pointer, params);
          guarded.check();
          const [m, b] = [multiplier.subarray(0, n), addend.subarray(0, n)];
          same(JSON.stringify(range), y.read(), layernormReference(x, m, b, range));
        }
      }
    }
  });
}

/** [m, n, k] around the tiles of 4 rows and 8 columns and the pairs of k. */
const products = [
  [1, 1, 1],
  [3, 7, 2],
  [4, 8, 3],
  [5, 9, 8],
  [8, 16, 15],
  [2, 17, 16],
  [13, 5, 33],
  [1, 31, 7],
  [33, 3, 131],
] as const;

function runMatmul(kernels: InferKernels, p: Matrices, a: Int8Array, b: Int8Array): void {
  const { m, n, k, multiplier, aZeroPoint, bZeroPoint, outZeroPoint, qmin, qmax } = p;
  guarded.reset();
  const zeros = guarded.input(filled(n, () => 0));
  const product = guarded.params('ConvParams', {
    ...convFields([1, m, 1, k], [1, m, 1, n], [1, 1], PLAIN_WINDOW),
    ...{ inZeroPoint: aZeroPoint, outZeroPoint, qmin, qmax, bias: zeros, addend: zeros },
    multiplier: guarded.input(filled(n, () => multiplier)),
    magic: k * 255 * 255 * Math.abs(multiplier) < 2 ** 22 ? 1 : 0,
  });
  const transposed = Number(p.transposed);
  const params = guarded.params('MatmulParams', { product, bZeroPoint, transposed }).pointer;
  const scratch = guarded.scratch(matmulScratchBytes(n, k)).pointer;
  const y = guarded.output(new Int8Array((a.length / k) * n), 'y', m % 16);
  const left = guarded.input(Int8Array.from(a)).pointer;
  const right = guarded.inputAtEnd(Int8Array.from(b)).pointer;
  // In two parts, as threads share it.
  kernels.qs8_matmul(params, 0, 1, left, right, y.pointer, scratch);
  kernels.qs8_matmul(params, 1, 2, left, right, y.pointer, scratch);
  guarded.check();
  same(JSON.stringify(p), y.read(), matmulReference(a, b, p));
}

function matmulSuite(kernels: InferKernels): void {
  it.each(products)('qs8_matmul, %i x %i of %i terms', (m, n, k) => {
    const rng = new Rng(m * n * k);
    for (const { zeroPoint: outZeroPoint, qmin, qmax } of ranges) {
      for (const [aZeroPoint, bZeroPoint] of [
        [-128, -128],
        [127, -128],
        [3, 127],
        [0, 0],
      ] as const) {
        for (const transposed of [false, true]) {
          for (const multiplier of [0.3 / (80 * k), -0.002, 3e20]) {
            const extreme = multiplier < 0;
            const p = { m, n, k, aZeroPoint, bZeroPoint, transposed, multiplier };
            const [a, b] = [3 * m * k, 3 * k * n].map((size) => randomBytes(rng, size, extreme));
            runMatmul(kernels, { ...p, outZeroPoint, qmin, qmax }, a!, b!);
          }
        }
      }
    }
  });
}

function softmaxSuite(kernels: InferKernels): void {
  const table = Float32Array.from({ length: 256 }, (_, d) => Math.fround(Math.exp(-d / 17)));
  it.each(lengths.flatMap((n) => [1, Math.ceil(n / 2), n].map((rows) => [rows, n] as const)))(
    'qs8_causal_softmax, %i queries for %i keys',
    (rows, n) => {
      const rng = new Rng(n + rows);
      for (const { zeroPoint: outZeroPoint, qmin, qmax } of ranges) {
        const fields = { inZeroPoint: 5, multiplier: 231.7, outZeroPoint, qmin, qmax };
        const x = randomBytes(rng, 2 * rows * n, qmin === -128);
        guarded.reset();
        const params = guarded.params('RescaleParams', fields).pointer;
        const entries = guarded.input(table).pointer;
        const [y, inPlace] = [guarded.output(x, 'y', n % 16), guarded.inout(x)];
        const from = guarded.inputAtEnd(x).pointer;
        kernels.qs8_causal_softmax(2, rows, n, from, entries, y.pointer, params);
        const { pointer } = inPlace;
        kernels.qs8_causal_softmax(2, rows, n, pointer, entries, pointer, params);
        guarded.check();
        const expected = causalSoftmaxReference(x, rows, n, table, fields);
        same(JSON.stringify(fields), y.read(), expected);
        same(`${JSON.stringify(fields)} in place`, inPlace.read(), expected);
      }
    },
  );
}

/** Indices at both ends of the table and outside it. */
const INDICES = Int32Array.of(4, 0, -1, 3, 5, -(2 ** 31), 2 ** 31 - 1, 2);

function embeddingSuite(kernels: InferKernels): void {
  it.each(lengths)('x8_embedding, rows of %i', (bytes) => {
    guarded.reset();
    const table = randomBytes(new Rng(bytes), 5 * bytes);
    const y = guarded.output(new Int8Array(INDICES.length * bytes), 'y', bytes % 16);
    const [x, rows] = [guarded.input(INDICES).pointer, guarded.inputAtEnd(table).pointer];
    kernels.x8_embedding(INDICES.length, 5, bytes, x, rows, y.pointer);
    guarded.check();
    const picked = Array.from(INDICES, (index) => {
      const row = Math.min(4, Math.max(0, index)) * bytes;
      return Array.from(table.subarray(row, row + bytes));
    });
    same(`${bytes} bytes`, y.read(), Int8Array.from(picked.flat()));
  });
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(name, () => {
    normSuite(kernels);
    matmulSuite(kernels);
    softmaxSuite(kernels);
    embeddingSuite(kernels);
  });
}
