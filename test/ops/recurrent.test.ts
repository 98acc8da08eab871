import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { ops } from '../../src/ops/table.ts';
import { allCases, drawInputs, type NamedCase } from './cases.ts';
import { RECURRENT } from './recurrentCases.ts';
import { differences } from './reference.ts';
import { expectClose, inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 71;
const U = 2 ** -24;

const recurrent = allCases.filter(({ op }) => RECURRENT.has(op));

/**
 * A pre-activation is a sum of n terms, no greater than 4 in all; the gates add 8 roundings. Slopes are at most 1 and so are the
 * sums of the rows of the recurrent kernel, so a step hands on what it got and adds its own: (n + 8)·4·U a step.
 */
function stepRoundings({ inputs }: NamedCase): number {
  const [[, steps], [, features], [, units]] = inputs as [number[], number[], number[]];
  return steps! * (features! + units! + 8) * 4 * U;
}

function drawGradient(one: NamedCase): Float32Array {
  const rng = new Rng(SEED + 1);
  return Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
}

describe('f32 rules of recurrent layers against float64', () => {
  test.each(recurrent)('$title', async (one) => {
    const data = drawInputs(one, SEED);
    const run = await runRule(one, data, drawGradient(one));
    const expected = inFloat64(one)(tensors64(one, data));
    expectClose(one, 'y', SEED, run.output, expected, () => stepRoundings(one));
    expect(run.inputs).toEqual(data);
  });

  test.each(recurrent)('$title: gradients', async (one) => {
    const data = drawInputs(one, SEED);
    const dy = drawGradient(one);
    const run = await runRule(one, data, dy);
    const f = inFloat64(one);
    const [batch, steps] = one.inputs[0] as readonly [number, number];
    for (const which of one.inputs.keys()) {
      const h = 1e-4;
      const expected = differences(f, tensors64(one, data), which, Float64Array.from(dy), h);
      // Weights sum over the time steps of the batch; the way back adds as many roundings as the way there. The
      // difference quotient is exact to h² of a third derivative.
      const terms = which === 0 ? steps : batch * steps;
      const bound = terms * (2 * stepRoundings(one) + 4 * h * h);
      expectClose(one, `d${which}`, SEED, run.gradients[which]!, expected, () => bound);
      // The kernel of a first step meets a state of zeros.
      const least = which === 2 && steps === 1 ? 0 : 10 * bound;
      expect(Math.max(...expected.map(Math.abs)), `d${which}`).toBeGreaterThanOrEqual(least);
    }
  });

  test.each(recurrent)('$title: gates that saturate stay finite', async (one) => {
    const data = drawInputs(one, SEED).map((values) => values.map((value) => value * 1e4));
    const run = await runRule(one, data, drawGradient(one));
    // An LSTM's state grows by 1 a step at most, and tanh of it is the output.
    expect(run.output.every((value) => Math.abs(value) <= 1)).toBe(true);
    for (const gradient of run.gradients) expect(gradient!.every(Number.isFinite)).toBe(true);
  });
});

describe('messages', () => {
  const attrs = { units: 4, returnSequences: false, goBackwards: false };
  test.each([
    ['lstm', [[-1, 5]], attrs, 'lstm: the input must be [N,T,C], got [N,5]'],
    [
      'gru',
      [
        [-1, 5, 3],
        [12, 4],
      ],
      attrs,
      'gru: the kernel must be [12,3], got [12,4]',
    ],
    [
      'lstm',
      [
        [-1, 5, 3],
        [16, 3],
        [12, 4],
      ],
      attrs,
      'lstm: the recurrent kernel must be [16,4], got [12,4]',
    ],
    ['gru', [[-1, 5, 3], [12, 3], [12, 4], [12]], attrs, 'gru: the bias must be [2,12], got [12]'],
    ['lstm', [[-1, 5, 3]], { ...attrs, units: 0 }, 'lstm: units must be an integer >= 1, got 0'],
  ] as const)('%s %j', (op, shapes, given, message) => {
    expect(() => ops[op].inferShape(shapes, given)).toThrow(message);
  });
});
