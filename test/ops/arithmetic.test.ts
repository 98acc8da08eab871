import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { broadcastShapes } from '../../src/ops/broadcast.ts';
import type { OpName } from '../../src/ops/table.ts';
import { type UnaryOpName, unaryNames } from '../../src/ops/unary.ts';
import { functionError, softmaxError } from '../reference/f32/functions.ts';
import { ARITHMETIC } from './arithmeticCases.ts';
import { allCases, drawInputs, type NamedCase } from './cases.ts';
import { differences } from './reference.ts';
import { expectClose, inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 41;
const U = 2 ** -24;

const arithmetic = allCases.filter(({ op }) => ARITHMETIC.has(op));
const differentiable = arithmetic.filter(({ op }) => op !== 'argMax');

const isUnary = (op: OpName): op is UnaryOpName => unaryNames.some((name) => name === op);

function drawGradient(one: NamedCase): Float32Array {
  const rng = new Rng(SEED + 1);
  return Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
}

describe('f32 rules of arithmetic against float64', () => {
  test.each(arithmetic)('$title', async (one) => {
    const data = drawInputs(one, SEED);
    const run = await runRule(one, data, drawGradient(one));
    const expected = inFloat64(one)(tensors64(one, data));
    // Functions of one real and softmax as their kernels have them, others computed in f64 and rounded once; those here are good
    // to 1e-13.
    const error = (i: number) => {
      if (isUnary(one.op)) return functionError(one.op, data[0]![i]!, expected[i]!);
      const isSoftmax = one.op === 'softmax' || one.op === 'attentionSoftmax';
      return isSoftmax ? softmaxError(expected[i]!) : U * Math.abs(expected[i]!);
    };
    const bound = (i: number) => error(i) + 1e-12;
    expectClose(one, 'y', SEED, run.output, expected, bound);
    expect(run.inputs).toEqual(data);
  });

  test.each(differentiable)('$title: gradients', async (one) => {
    const data = drawInputs(one, SEED);
    const dy = drawGradient(one);
    const run = await runRule(one, data, dy);
    const f = inFloat64(one);
    for (const which of one.inputs.keys()) {
      const tensors = tensors64(one, data);
      const expected = differences(f, tensors, which, Float64Array.from(dy), 1e-4);
      // h²/6 times a third derivative of at most 250, 1e-12 of |y| for rounding; and where y, rounded, is part of it, U.
      const bound = (i: number) => 2e-6 * (1 + Math.abs(expected[i]!));
      expectClose(one, `d${which}`, SEED, run.gradients[which]!, expected, bound);
    }
  });

  test('argMax has no gradient and takes the first of equals', async () => {
    const one = arithmetic.find(({ title }) => title === 'argMax: vectors')!;
    const data = [
      Float32Array.of(1, 3, 3, 2, 3, 0, 0, ...new Float32Array(7), -9, -8, -7, -6, -7, -6, -9),
    ];
    const run = await runRule(one, data, new Float32Array(3));
    expect([...run.output]).toEqual([1, 0, 3]);
    expect(run.gradients).toEqual([undefined]);
  });

  test('a row of zeros has length 1 and gradient 0', async () => {
    const one = arithmetic.find(({ title }) => title === 'l2Normalize: length of vectors')!;
    const run = await runRule(one, [new Float32Array(21)], drawGradient(one));
    expect([...run.output, ...run.gradients[0]!].every((value) => value === 0)).toBe(true);
  });
});

describe('broadcastShapes', () => {
  test.each([
    [[-1, 4, 5], [5], [-1, 4, 5]],
    [
      [-1, 4, 5],
      [1, 1, 1],
      [-1, 4, 5],
    ],
    [
      [-2, 4, 1],
      [-2, 1, 5],
      [-2, 4, 5],
    ],
    [[-1, 4], [1], [-1, 4]],
    [[5], [-1, 4, 5], [-1, 4, 5]],
  ])('%j and %j make %j', (a, b, y) => {
    expect(broadcastShapes('add', a, b)).toEqual(y);
  });

  test.each([
    [[-1, 4, 5], [4], 'add: extents must be equal or 1, got [N,4,5] and [4]'],
    [[-1, 4], [-2, 4], 'add: extents must be equal or 1, got [N,4] and [2N,4]'],
    [[-1, 4], [3, 1, 1], 'add: the batch axis must stay the first, got [N,4] and [3,1,1]'],
    [[-1, 4], [7, 4], 'add: extents must be equal or 1, got [N,4] and [7,4]'],
    [[-1, 1, 1, 1, 1, 1, 4], [4], 'add: there must be at most 6 axes, got [N,1,1,1,1,1,4] and [4]'],
    [[-1, 4], undefined, 'add: there must be two operands, got [N,4] and none'],
  ])('%j and %j do not fit', (a, b, message) => {
    expect(() => broadcastShapes('add', a, b)).toThrow(message);
  });
});
