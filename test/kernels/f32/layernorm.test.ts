import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const EPSILON = Math.fround(1e-3);
const shapes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 37, 129].flatMap((n) =>
  [1, 3, 10].map((rows) => ({ rows, n })),
);

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** x̂ and 1 / deviation of each row, in float64. */
function normalized(x: Float32Array, n: number) {
  return Array.from({ length: x.length / n }, (_, row) => {
    const values = Array.from(x.subarray(row * n, (row + 1) * n));
    const m = mean(values);
    const inverse = 1 / Math.sqrt(mean(values.map((value) => (value - m) ** 2)) + EPSILON);
    return { inverse, values: values.map((value) => (value - m) * inverse) };
  });
}

describe('layer normalization', () => {
  test.each(shapes)('$rows rows of $n', ({ rows, n }) => {
    const rng = new Rng(rows * 1000 + n);
    const x = floats(rng, rows * n).map((value) => value + 2);
    const [gamma, beta, dy] = [floats(rng, n), floats(rng, n), floats(rng, rows * n)];
    const starts = Float64Array.from({ length: 2 * n }, () => rng.uniform());
    const results = modules.map(({ kernels }) => {
      guarded.reset();
      const [px, pg, pb, pd] = [x, gamma, beta, dy].map((data) => guarded.input(data).pointer);
      const [y, dx, moments] = [guarded.output(x), guarded.output(x), floats(rng, 2 * rows)];
      const saved = guarded.output(moments);
      const sums = guarded.inout(starts);
      kernels.f32_layernorm(rows, n, px!, pg!, pb!, y.pointer, saved.pointer, EPSILON);
      const { f32_layernorm_backward: back } = kernels;
      back(rows, n, px!, pd!, pg!, saved.pointer, dx.pointer, sums.pointer);
      guarded.check();
      return [y, saved, dx, sums].map((region) => region.read());
    });
    results[0]!.forEach((result, i) => {
      expectSame(result, results[1]![i]!, `result ${i}, simd128 against scalar`);
    });
    const [y, , dx, sums] = results[0]!;
    const exact = normalized(x, n);
    const most = 3;
    // The mean is rounded once and so is x − mean, each a half unit of at most 3, which the inverse enlarges; then four
    // roundings of what is there.
    const error = (row: number, size: number) => ULP * (2 * most * exact[row]!.inverse + 5 * size);
    const at = (i: number) => [Math.floor(i / n), i % n] as const;
    const want = x.map((_, i) => exact[at(i)[0]]!.values[at(i)[1]]! * gamma[at(i)[1]]!);
    const tolerance = (i: number) => error(at(i)[0], Math.abs(want[i]!) + 1);
    expectClose(
      y!,
      want.map((value, i) => value + beta[i % n]!),
      tolerance,
      'y',
    );

    const rowsOfG = exact.map(({ inverse, values }, row) => {
      const g = values.map((_, i) => dy[row * n + i]! * gamma[i]!);
      const [a, b] = [mean(g), mean(g.map((value, i) => value * values[i]!))];
      return values.map((value, i) => inverse * (g[i]! - a - value * b));
    });
    // |g| ≤ 1, |x̂| ≤ sqrt(n): twelve roundings of terms below 2 + x̂²; the error of x̂ above counts twice.
    expectClose(
      dx!,
      rowsOfG.flat(),
      (i) => {
        const { inverse, values } = exact[at(i)[0]]!;
        const size = 2 + values[at(i)[1]]! ** 2 + Math.max(...values.map(Math.abs));
        return ULP * inverse * (12 * size + 4 * most * inverse * size);
      },
      'dx',
    );
    const gains = Array.from({ length: n }, (_, i) =>
      exact.reduce((sum, { values }, row) => sum + dy[row * n + i]! * values[i]!, starts[i]!),
    );
    const offsets = Array.from({ length: n }, (_, i) =>
      exact.reduce((sum, _row, row) => sum + dy[row * n + i]!, starts[n + i]!),
    );
    const all = exact.reduce(
      (sum, { values }, row) => sum + error(row, Math.max(...values.map(Math.abs))),
      0,
    );
    expectClose(sums!, [...gains, ...offsets], (i) => (i < n ? 1.01 * all : 1e-12), 'sums');
  });

  test('rows of equal numbers are beta', () => {
    for (const { kernels } of modules) {
      guarded.reset();
      const [x, gamma, beta] = [
        [7, 7, 7],
        [2, 3, 4],
        [0.5, -1, 0],
      ].map((values) => guarded.input(Float32Array.from(values)).pointer);
      const [y, moments] = [
        guarded.output(new Float32Array(3)),
        guarded.output(new Float32Array(2)),
      ];
      kernels.f32_layernorm(1, 3, x!, gamma!, beta!, y.pointer, moments.pointer, EPSILON);
      expect([...y.read()]).toEqual([0.5, -1, 0]);
    }
  });
});
