import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { argmax, countCorrect, crossEntropy } from '../../src/nn/losses.ts';
import { graphOf, withTape } from '../autograd/eager.ts';

function expected(logits: Float32Array, classes: number, labels: Int32Array) {
  const rows = labels.length;
  const gradient: number[] = [];
  let loss = 0;
  for (let n = 0; n < rows; n++) {
    const row = [...logits.subarray(n * classes, (n + 1) * classes)];
    const most = Math.max(...row);
    const total = row.reduce((sum, z) => sum + Math.exp(z - most), 0);
    loss += (Math.log(total) + most - row[labels[n]!]!) / rows;
    row.forEach((z, c) => {
      gradient.push((Math.exp(z - most) / total - (c === labels[n] ? 1 : 0)) / rows);
    });
  }
  return { loss, gradient };
}

test.each([1, 3, 10, 17])('cross-entropy of %i rows is that of float64', async (rows) => {
  const rng = new Rng(rows);
  const classes = 7;
  const logits = Float32Array.from({ length: rows * classes }, () => 20 * (rng.uniform() - 0.5));
  const labels = Int32Array.from({ length: rows }, () => rng.below(classes));
  const got = await withTape(graphOf([]), ({ cx, ref }) => {
    const { loss, correct, gradient } = crossEntropy().evaluate(
      cx,
      ref([rows, classes], logits),
      labels,
    );
    return { loss, correct, gradient: [...cx.f32(gradient)] };
  });
  const { loss, gradient } = expected(logits, classes, labels);
  // log, exp and the sum of 7 err by some 16 roundings of values up to 20; probabilities by 16 roundings of at most 1.
  expect(Math.abs(got.loss - loss)).toBeLessThan(16 * 2 ** -24 * 20);
  got.gradient.forEach((g, i) => {
    expect(Math.abs(g - gradient[i]!), `[${i}] of seed ${rows}`).toBeLessThan(
      (16 * 2 ** -24) / rows,
    );
  });
  expect(got.correct).toBe(countCorrect(logits, classes, labels));
});

test('ties go to the lower class', () => {
  expect(argmax([0, 3, 3, 1], 0, 4)).toBe(1);
  expect(argmax([9, 2, 2], 1, 2)).toBe(0);
  expect(countCorrect([1, 1, 0, 5], 2, [0, 1])).toBe(2);
  expect(countCorrect([1, 1, 0, 5], 2, [1, 0])).toBe(0);
});
