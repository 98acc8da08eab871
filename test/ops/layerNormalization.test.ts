import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { allCases, drawInputs, type NamedCase } from './cases.ts';
import { differences } from './reference.ts';
import { expectClose, inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 71;
const U = 2 ** -24;
const norms = allCases.filter(({ op }) => op === 'layerNormalization');

async function runNorm(one: NamedCase) {
  const data = drawInputs(one, SEED);
  const rng = new Rng(SEED + 1);
  const dy = Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
  return { data, dy, run: await runRule(one, data, dy), inputs: tensors64(one, data) };
}

/** What one rounding of the mean is to x̂: epsilon bounds the deviation from below, 1 / sqrt(1e-3) < 32. */
const gainOf = (data: readonly Float32Array[]) =>
  32 * U * data[0]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('layerNormalization', () => {
  test.each(norms)('$title: y', async (one) => {
    const { run, data, inputs } = await runNorm(one);
    // |gamma| < 1, |x̂| ≤ sqrt(n) < 3: two roundings of x − mean, four of products and sums below 4.
    const bound = () => 2 * gainOf(data) + 4 * 4 * U;
    expectClose(one, 'y', SEED, run.output, inFloat64(one)(inputs), bound);
    expect(run.inputs).toEqual(data);
  });

  test.each(norms)('$title: gradients', async (one) => {
    const { run, data, dy, inputs } = await runNorm(one);
    const f = inFloat64(one);
    for (const which of [0, 1, 2]) {
      const expected = differences(f, inputs, which, Float64Array.from(dy), 1e-4);
      // dx is 1/deviation < 32 times terms below 12, each with six roundings and the error of x̂, which counts twice. The
      // differences err by h²/6 times a third derivative of at most 32³: 6e-5.
      const rows = sizeOf(one.output) / one.output.at(-1)!;
      const terms = 6 * U * 12 + 4 * 12 * gainOf(data);
      const bound = which === 0 ? 32 * terms + 6e-5 : rows * terms + 1e-7;
      expectClose(one, `d${which}`, SEED, run.gradients[which]!, expected, () => bound);
    }
  });

  test('rows of equal numbers are beta, and have finite gradients', async () => {
    const one = norms.find(({ name }) => name === 'vectors')!;
    const [x, gamma, beta] = drawInputs(one, SEED);
    const dy = new Float32Array(21).fill(1);
    const run = await runRule(one, [x!.fill(0.7), gamma!, beta!], dy);
    expect([...run.output]).toEqual([...beta!, ...beta!, ...beta!]);
    expect(run.gradients.every((gradient) => gradient!.every(Number.isFinite))).toBe(true);
  });
});
