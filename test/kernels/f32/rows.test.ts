import { describe, expect, test } from 'vitest';
import { FUNCTION_SCRATCH_BYTES } from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { softmaxError } from '../../reference/f32/functions.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
type Kernels = (typeof modules)[number]['kernels'];
type Floats = Float32Array<ArrayBuffer>;

const BETA = 0.75;
const widths = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33, 130];
const tables = widths.flatMap((n) => [1, 3, 6].map((rows) => [rows, n] as const));

/** The output of both modules, which must be the same; inputs stay, nothing else is written. */
function both(
  inputs: readonly Floats[],
  length: number,
  call: (kernels: Kernels, inputs: number[], y: number, constants: number) => void,
): Floats {
  const [simd, scalar] = modules.map(({ kernels }) => {
    guarded.reset();
    const pointers = inputs.map((x) => guarded.input(x).pointer);
    const y = guarded.output(new Float32Array(length));
    const constants = guarded.scratch(FUNCTION_SCRATCH_BYTES).pointer;
    call(kernels, pointers, y.pointer, constants);
    guarded.check();
    return y.read();
  });
  expectSame(simd!, scalar!, 'simd128 against scalar');
  return simd!;
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const rowOf = (x: ArrayLike<number>, r: number, n: number) =>
  Array.from({ length: n }, (_, i) => x[r * n + i]!);
const eachRow = (rows: number, f: (r: number) => readonly number[]) =>
  Array.from({ length: rows }, (_, r) => f(r)).flat();

describe('softmax', () => {
  const seenBy = (r: number, n: number, queries: number) =>
    queries > 0 ? n - queries + 1 + (r % queries) : n;

  function expected(x: Floats, rows: number, n: number, queries: number): number[] {
    return eachRow(rows, (r) => {
      const row = rowOf(x, r, n);
      const seen = row.slice(0, seenBy(r, n, queries));
      const top = Math.max(...seen);
      const powers = row.map((v, i) => (i < seen.length ? Math.exp((v - top) * BETA) : 0));
      return powers.map((power) => power / total(powers));
    });
  }

  test.each(tables)('%i rows of %i, forward and back', (rows, n) => {
    for (const queries of n >= 3 ? [0, 3] : [0]) {
      for (const size of [1, 20, 300]) {
        const rng = new Rng(rows * n + size);
        const [x, dy] = [floats(rng, rows * n, size), floats(rng, rows * n)];
        const y = both([x], rows * n, (k, [p], out, constants) =>
          k.f32_softmax(0, rows, n, queries, p!, BETA, out, constants),
        );
        const want = expected(x, rows, n, queries);
        expectClose(y, want, (i) => softmaxError(want[i]!), `softmax ${rows}x${n}, ${queries}`);
        const dx = both([y, dy], rows * n, (k, [p, g], out) =>
          k.f32_softmax_backward(rows, n, p!, g!, BETA, out),
        );
        const back = eachRow(rows, (r) => {
          const [own, above] = [rowOf(y, r, n), rowOf(dy, r, n)];
          const sum = total(own.map((v, i) => v * above[i]!));
          return own.map((v, i) => BETA * v * (above[i]! - sum));
        });
        // |dy| and the sum are at most 1: a rounding of each product, of the sum and of the difference of at most 2, two of products.
        expectClose(dx, back, (i) => 10 * ULP * y[i]! + 1e-37, `softmax backward ${rows}x${n}`);
      }
    }
  });

  test('ranges of rows make the whole', () => {
    const [rows, n] = [11, 9];
    const x = floats(new Rng(5), rows * n, 4);
    const whole = both([x], rows * n, (k, [p], y, constants) =>
      k.f32_softmax(0, rows, n, 4, p!, 1, y, constants),
    );
    const parts = both([x], rows * n, (k, [p], y, constants) => {
      k.f32_softmax(0, 3, n, 4, p!, 1, y, constants);
      k.f32_softmax(3, 8, n, 4, p!, 1, y, constants);
    });
    expectSame(parts, whole, 'parts');
  });

  test('−inf has no part, a NaN is in all of its row', () => {
    const x = Float32Array.of(1, -Infinity, 1, 1, 2, NaN, 2, 2, 1e30, -1e30, 0, 0);
    const y = both([x], 12, (k, [p], out, constants) =>
      k.f32_softmax(0, 3, 4, 0, p!, 1, out, constants),
    );
    const third = expect.closeTo(1 / 3, 6);
    expect([...y]).toEqual([third, 0, third, third, NaN, NaN, NaN, NaN, 1, 0, 0, 0]);
  });
});

describe('rows by their length', () => {
  test.each(tables)('%i rows of %i, forward and back', (rows, n) => {
    const rng = new Rng(rows + 50 * n);
    const [x, dy] = [floats(rng, rows * n, 3), floats(rng, rows * n)];
    x.fill(0, 0, rows > 1 ? n : 0);
    const y = both([x], rows * n, (k, [p], out) => k.f32_l2norm(rows, n, p!, out));
    const inverse = (r: number) => {
      const length = Math.hypot(...rowOf(x, r, n));
      return length > 0 ? 1 / length : 0;
    };
    const want = eachRow(rows, (r) => rowOf(x, r, n).map((v) => v * inverse(r)));
    // Rounded once from f64.
    expectClose(y, want, (i) => ULP * Math.abs(want[i]!) + 1e-14, `l2norm ${rows}x${n}`);
    const dx = both([x, y, dy], rows * n, (k, [p, q, g], out) =>
      k.f32_l2norm_backward(rows, n, p!, q!, g!, out),
    );
    const back = eachRow(rows, (r) => {
      const [own, above] = [rowOf(y, r, n), rowOf(dy, r, n)];
      const sum = total(own.map((v, i) => v * above[i]!));
      return above.map((v, i) => (v - own[i]! * sum) * inverse(r));
    });
    const bound = (i: number) => ULP * Math.abs(back[i]!) + 1e-12;
    expectClose(dx, back, bound, `l2norm backward ${rows}x${n}`);
  });
});

describe('means', () => {
  test.each(widths)('over a middle axis of any length, %i inside', (inner) => {
    for (const [outer, n] of [
      [1, 1],
      [2, 3],
      [3, 65],
    ] as const) {
      const x = floats(new Rng(inner + n), outer * n * inner, 5);
      const y = both([x], outer * inner, (k, [p], out) => k.f32_mean(outer, n, inner, p!, out));
      const want = Array.from({ length: outer * inner }, (_, at) => {
        const [o, i] = [Math.floor(at / inner), at % inner];
        return total(Array.from({ length: n }, (_, j) => x[(o * n + j) * inner + i]!)) / n;
      });
      // Rounded once from f64.
      const bound = (i: number) => ULP * Math.abs(want[i]!) + 1e-13;
      expectClose(y, want, bound, `mean ${outer}x${n}x${inner}`);
    }
  });
});
