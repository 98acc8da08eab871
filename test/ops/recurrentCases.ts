import type { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { OpCase } from './cases.ts';

export const RECURRENT: ReadonlySet<string> = new Set(['lstm', 'gru']);

type Sizes = readonly [batch: number, steps: number, features: number, units: number];

/** Sizes around tiles of 4 and 8, one step, one of everything; batches that leave chunks of sums empty, short and long. */
const sizes: readonly (readonly [string, Sizes, sequences: boolean, backwards: boolean])[] = [
  ['last state', [3, 3, 5, 4], false, false],
  ['sequences', [2, 4, 3, 5], true, false],
  ['backwards', [9, 3, 4, 3], false, true],
  ['sequences backwards', [2, 3, 8, 8], true, true],
  ['one step', [17, 1, 7, 9], true, false],
  ['one of everything', [1, 1, 1, 1], false, false],
  ['17 units', [1, 2, 16, 17], true, false],
];

function casesOf(gates: number, biases: 1 | 2): OpCase[] {
  return sizes.map(([name, [batch, steps, features, units], returnSequences, goBackwards]) => {
    const rows = gates * units;
    const bias = biases === 1 ? [rows] : [2, rows];
    return {
      name,
      inputs: [[batch, steps, features], [rows, features], [rows, units], bias],
      attrs: { units, returnSequences, goBackwards },
      output: returnSequences ? [batch, steps, units] : [batch, units],
    };
  });
}

export const recurrentCases = { lstm: casesOf(4, 1), gru: casesOf(3, 2) };

/** x and bias in [−1, 1); weights so that no product of a row leaves it. */
export function drawRecurrent(which: number, shape: Shape, rng: Rng): Float32Array {
  const size = which === 1 || which === 2 ? 1 / shape[1]! : 1;
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * rng.uniform() - 1) * size);
}
