import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { allCases, drawInputs, type NamedCase } from './cases.ts';
import { differences, moments } from './reference.ts';
import { expectClose, inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 21;
const U = 2 ** -24;
const norms = allCases.filter(({ op }) => op === 'batchNormalization');
const batch = norms.filter(({ training }) => training);
const running = norms.filter(({ training }) => !training);

async function runNorm(one: NamedCase) {
  const data = drawInputs(one, SEED);
  const rng = new Rng(SEED + 1);
  const dy = Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
  return { data, dy, run: await runRule(one, data, dy), inputs: tensors64(one, data) };
}

/** Statistics that the op uses, gain = gamma / sqrt(variance + epsilon). */
function statistics(one: NamedCase, inputs: ReturnType<typeof tensors64>) {
  const used = one.training
    ? moments(inputs[0]!)
    : Array.from(inputs[3]!.data, (mean, c) => ({ mean, variance: inputs[4]!.data[c]! }));
  return used.map(({ mean, variance }, c) => {
    const inverse = 1 / Math.sqrt(variance + 1e-3);
    return { mean, inverse, gain: Math.abs(inputs[1]!.data[c]! * inverse) };
  });
}

/** Rows of the largest of the eight chunks of samples. */
function longestChunk({ inputs: [x] }: NamedCase): number {
  const [samples, ...rest] = x!;
  return Math.ceil(samples! / 8) * sizeOf(rest.slice(0, -1));
}

/** The errors that `batchMoments` derives; blocks have `terms` rows, 64 at most, and the first row is `first`. */
function momentBounds(
  { mean, variance }: { mean: number; variance: number },
  first: number,
  terms = 64,
) {
  const distance = Math.abs(mean - first);
  const squared = variance + distance ** 2;
  const meanError = terms * U * Math.sqrt(squared);
  return { mean: meanError, variance: (terms + 2) * U * squared + 2 * distance * meanError };
}

describe('batchNormalization', () => {
  test.each(norms)('$title: y', async (one) => {
    const { run, inputs } = await runNorm(one);
    const used = statistics(one, inputs);
    const [x, , beta] = inputs;
    // y = f32(x·a) + b with a and b rounded once: 3 roundings of |x·a|, 2 of |b| ≤ |mean·a| + |beta|. Means of f32
    // differences are good to about 8 roundings of the largest |x|, which shift y by as much times the gain.
    const most = x!.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expectClose(one, 'y', SEED, run.output, inFloat64(one)(inputs), (i) => {
      const { mean, gain } = used[i % used.length]!;
      const terms = gain * (3 * Math.abs(x!.data[i]!) + 2 * Math.abs(mean) + 8 * most);
      return U * (terms + 3 * Math.abs(beta!.data[i % used.length]!));
    });
  });

  test.each(norms)('$title: gradients', async (one) => {
    const { run, inputs, dy } = await runNorm(one);
    const used = statistics(one, inputs);
    const f = inFloat64(one);
    const channels = used.length;
    const [x] = inputs;
    const dy64 = Float64Array.from(dy);
    // Central differences err by h²/6 times a third derivative of order gain/deviation² ≤ 100 here, and by 2⁻⁵³/h.
    const h = 1e-5;
    const differencing = 1e-7;
    const rows = x!.data.length / channels;
    const most = x!.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    // Σ|dy·x̂| ≤ Σ|dy|·|x − mean|·inverse, where x − mean is rounded to f32 with mean off by some U·|x|.
    const sum = (of: (i: number) => number, c: number) =>
      x!.data.reduce((total, _, i) => total + (i % channels === c ? of(i) : 0), 0);
    const sumDy = used.map((_, c) => sum((i) => Math.abs(dy[i]!), c));
    const sumDyX = used.map(({ mean, inverse }, c) =>
      sum((i) => Math.abs(dy[i]! * (x!.data[i]! - mean) * inverse), c),
    );
    // dx is f32(a·dy) + f32(b·x) + c; |b·x| is gain·x̂-like: gain·inverse·|x|·|dgamma|/R, and c as large again.
    const dx = differences(f, inputs, 0, dy64, h);
    expectClose(one, 'dx', SEED, run.gradients[0]!, dx, (i) => {
      const c = i % channels;
      const { gain, inverse } = used[c]!;
      const slope = (inverse * most * sumDyX[c]!) / rows + sumDy[c]! / rows;
      return 8 * U * gain * (Math.abs(dy[i]!) + (one.training ? 2 * slope : 0)) + differencing;
    });
    // Terms are summed in f32 in blocks of 64 rows and in f64 above: 66 roundings of Σ|term|, and the error of the mean.
    const meanError = (c: number) => 8 * U * most * used[c]!.inverse * sumDy[c]!;
    expectClose(one, 'dgamma', SEED, run.gradients[1]!, differences(f, inputs, 1, dy64, h), (c) => {
      return 66 * U * sumDyX[c]! + meanError(c) + differencing;
    });
    expectClose(one, 'dbeta', SEED, run.gradients[2]!, differences(f, inputs, 2, dy64, h), (c) => {
      return 66 * U * sumDy[c]! + differencing;
    });
    expect(run.gradients.slice(3)).toEqual([undefined, undefined]);
  });

  test.each(batch)('$title: running statistics move, variance unbiased', async (one) => {
    const { run, inputs, data } = await runNorm(one);
    const rows = sizeOf(one.output) / one.output.at(-1)!;
    moments(inputs[0]!).forEach((exact, c) => {
      const unbiased = (exact.variance * rows) / (rows - 1);
      const [m, v] = [0.9 * data[3]![c]! + 0.1 * exact.mean, 0.9 * data[4]![c]! + 0.1 * unbiased];
      const bound = momentBounds(exact, data[0]![c]!, Math.min(64, longestChunk(one)));
      // And the statistics are rounded to f32.
      const [gotM, gotV] = [run.inputs[3]![c]!, run.inputs[4]![c]!];
      expect(Math.abs(gotM - m)).toBeLessThan(0.1 * bound.mean + U * Math.abs(m));
      expect(Math.abs(gotV - v)).toBeLessThan((0.1 * bound.variance * rows) / (rows - 1) + U * v);
    });
  });

  test.each([0, 1, 10, 30])(
    'a first row %i deviations out costs the variance its bound',
    async (k) => {
      const rows = 2048;
      const rng = new Rng(SEED + k);
      const x = Float32Array.from({ length: rows }, () => 2 * rng.uniform() - 1);
      x[0] = k / Math.sqrt(3);
      const one: NamedCase = {
        ...norms.find(({ name }) => name === 'batch statistics of vectors')!,
        inputs: [[rows, 1], [1], [1], [1], [1]],
        output: [rows, 1],
        attrs: { epsilon: 1e-3, momentum: 0 },
      };
      const inputs = [x, ...[1, 0, 0, 1].map((value) => Float32Array.of(value))];
      const run = await runRule(one, inputs, new Float32Array(rows));
      const [exact] = moments({ shape: [rows, 1], data: Float64Array.from(x) });
      const bound = momentBounds(exact!, x[0]!);
      const { mean, variance } = exact!;
      const unbiased = (variance * rows) / (rows - 1);
      expect(Math.abs(run.inputs[3]![0]! - mean)).toBeLessThan(bound.mean + U * Math.abs(mean));
      const error = Math.abs(run.inputs[4]![0]! - unbiased);
      expect(error).toBeLessThan((bound.variance * rows) / (rows - 1) + U * unbiased);
    },
  );

  test.each(running)('$title: nothing moves', async (one) => {
    const { run, data } = await runNorm(one);
    expect(run.inputs).toEqual(data);
  });

  test('one row has variance 0 and still a finite gradient', async () => {
    const one: NamedCase = {
      ...norms.find(({ name }) => name === 'batch statistics of vectors')!,
      inputs: [[1, 2], [2], [2], [2], [2]],
      output: [1, 2],
    };
    const { run, data } = await runNorm(one);
    // y = beta and dx = 0 in exact numbers; a few roundings of x·gain, |x| < 1 and gain < 1/sqrt(1e-3) < 32.
    const bound = 8 * U * 32;
    run.output.forEach((y, c) => {
      expect(Math.abs(y - data[2]![c]!)).toBeLessThan(bound);
      expect(Math.abs(run.gradients[0]![c]!)).toBeLessThan(bound);
    });
    expect(run.inputs[4]!.every(Number.isFinite)).toBe(true);
  });
});
