import { expect, test } from 'vitest';
import { losses } from '../../src/nn/losses.ts';
import { optimizers } from '../../src/optim/optimizer.ts';
import { graphOf, withTape } from '../autograd/eager.ts';

/** The loss of logits 0 over real targets of `classes` a sample. */
const evaluated = (loss: keyof typeof losses, classes: number, y: readonly number[]) =>
  withTape(graphOf([]), ({ cx, ref }) => {
    const output = ref([y.length / classes, classes], new Float32Array(y.length));
    return losses[loss]().evaluate(cx, output, Float32Array.from(y)).loss;
  });

const OTHERS = 'mse, mae, huber and binaryCrossEntropy are for other real targets';

test.each([
  [1, [1, 1], '[1]'],
  [2, [0.5, 0.5, -0.5, 1.5], '[-0.5, 1.5]'],
  [2, [0.5, 0.25], '[0.5, 0.25]'],
  [2, [Number.NaN, 1], '[NaN, 1]'],
])(
  'cross-entropy over %i classes refuses %j, which is no distribution',
  async (classes, y, got) => {
    const expected = `crossEntropy: targets must be distributions over 2 classes or more (${OTHERS}), got ${got}`;
    await expect(evaluated('crossEntropy', classes, y)).rejects.toThrow(expected);
  },
);

test('cross-entropy takes distributions, rounded ones too', async () => {
  // log 2 within the error of one exponential, one logarithm and the sum of the targets.
  expect(await evaluated('crossEntropy', 2, [0.25, 0.75, 0.333, 0.667])).toBeCloseTo(Math.LN2, 6);
});

test.each([2, -0.1, Number.NaN])('binary cross-entropy refuses a target of %s', async (target) => {
  const expected = `binaryCrossEntropy: targets must be in [0, 1], got ${target}`;
  await expect(evaluated('binaryCrossEntropy', 1, [target])).rejects.toThrow(expected);
});

test('flags of optimizers are true or false', () => {
  const text = 'true' as unknown as boolean;
  expect(() => optimizers.sgd({ nesterov: text })).toThrow(
    'sgd: nesterov must be true or false, got "true"',
  );
  expect(() => optimizers.rmsprop({ centered: text })).toThrow(
    'rmsprop: centered must be true or false, got "true"',
  );
});
