import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { BINARY_KINDS, type BinaryKind } from '../../../src/ops/binaryF32.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const f = Math.fround;

const references: Record<BinaryKind, (a: number, b: number, dy: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  minimum: (a, b) => (a <= b ? a : b),
  maximum: (a, b) => (a >= b ? a : b),
  prelu: (a, b) => (a < 0 ? a * b : a),
  minimumLeft: (a, b, dy) => (a <= b ? dy : 0),
  minimumRight: (a, b, dy) => (a <= b ? 0 : dy),
  maximumLeft: (a, b, dy) => (a >= b ? dy : 0),
  maximumRight: (a, b, dy) => (a >= b ? 0 : dy),
  preluLeft: (a, b, dy) => (a < 0 ? dy * b : dy),
};

/** Each side dense, as one row that is repeated, as a number a row, as one number. */
const strides = (n: number) =>
  [
    [n, 1],
    [0, 1],
    [1, 0],
    [0, 0],
  ] as const;

describe('f32_vbinary equals its f32 steps', () => {
  const kinds = Object.keys(BINARY_KINDS) as BinaryKind[];
  test.each(kinds)('%s', (kind) => {
    for (const [rows, n] of [
      ...[0, 1, 3, 4, 5, 7, 8, 9, 12, 16, 17, 67].map((n) => [1, n] as const),
      ...[1, 2, 5, 8, 11].map((n) => [3, n] as const),
    ]) {
      const rng = new Rng(rows + n);
      // Small integers, so that operands are equal now and then, and what is no number.
      const draw = () =>
        floats(rng, Math.max(1, rows * n), 3).map((v, i) => (i % 11 === 7 ? NaN : Math.round(v)));
      const [a, b, dy] = [draw(), draw(), floats(rng, Math.max(1, rows * n))];
      for (const [aRow, aStep] of strides(n)) {
        for (const [bRow, bStep] of strides(n)) {
          const want = Float32Array.from({ length: rows * n }, (_, at) => {
            const [i, j] = [Math.floor(at / n), at % n];
            const [p, q] = [a[i * aRow + j * aStep]!, b[i * bRow + j * bStep]!];
            return f(references[kind](p, q, dy[at]!));
          });
          for (const { name, kernels } of modules) {
            guarded.reset();
            const [pa, pb, pd] = [a, b, dy].map((data) => guarded.input(data).pointer);
            const y = guarded.output(want);
            const operands = [pa!, aRow, aStep, pb!, bRow, bStep, pd!] as const;
            kernels.f32_vbinary(rows, n, BINARY_KINDS[kind], ...operands, y.pointer);
            guarded.check();
            const context = `${kind} ${rows}x${n}, steps ${[aRow, aStep, bRow, bStep]}, ${name}`;
            expectSame(y.read(), want, context);
          }
        }
      }
    }
  });
});

describe('sums', () => {
  const tables = [1, 3, 4, 5, 8, 9, 17, 37].flatMap((n) =>
    [0, 1, 3, 63, 64, 65, 150].map((rows) => [rows, n] as const),
  );

  /** Sums of both modules, which must be the same. */
  function sumsOf(
    starts: Float32Array<ArrayBuffer>,
    inputs: readonly Float32Array<ArrayBuffer>[],
    call: (k: (typeof modules)[number]['kernels'], inputs: number[], sums: number) => void,
  ) {
    const [simd, scalar] = modules.map(({ kernels }) => {
      guarded.reset();
      const pointers = inputs.map((x) => guarded.input(x).pointer);
      const sums = guarded.inout(starts);
      call(kernels, pointers, sums.pointer);
      guarded.check();
      return sums.read();
    });
    expectSame(simd!, scalar!, 'simd128 against scalar');
    return simd!;
  }

  test.each(tables)('f32_product_sums of %i rows of %i', (rows, n) => {
    const rng = new Rng(rows + 100 * n);
    const [a, b] = [floats(rng, rows * n), floats(rng, rows * n)];
    const starts = floats(rng, n);
    const got = sumsOf(starts, [a, b], (k, [p, q], sums) =>
      k.f32_product_sums(rows, n, p!, q!, sums),
    );
    const want = Float64Array.from(starts);
    a.forEach((v, i) => {
      want[i % n]! += v * b[i]!;
    });
    // Terms below 1, 64 to a block: as many roundings of a sum of their size, at most, and two of what is stored.
    const most = Math.min(64, rows);
    expectClose(got, want, () => ULP * (most * rows + 2 * (rows + 1)), `${rows}x${n}`);
  });

  test.each(tables)('f32_row_sums of %i rows of %i', (rows, n) => {
    const rng = new Rng(rows + 100 * n);
    const x = floats(rng, rows * n);
    const starts = floats(rng, rows);
    const got = sumsOf(starts, [x], (k, [p], sums) => k.f32_row_sums(rows, n, p!, sums));
    const want = Float64Array.from(starts);
    x.forEach((v, i) => {
      want[Math.floor(i / n)]! += v;
    });
    // Rounded once from f64, whose own errors do not show.
    expectClose(got, want, (i) => ULP * Math.abs(want[i]!) + 1e-12, `${rows}x${n}`);
  });
});
