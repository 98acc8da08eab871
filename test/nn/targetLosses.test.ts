import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { type Loss, losses } from '../../src/nn/losses.ts';
import { graphOf, withTape } from '../autograd/eager.ts';

const SEED = 77;
const [ROWS, CLASSES] = [5, 7];

/** Half a unit in the last place of 1. */
const U = 2 ** -24;

/** Step of the central differences. */
const H = 1e-5;

/** Of a central difference: two values below 100, each within some 16 roundings of f64, over 2·H. */
const DIFFERENCING = (2 * 16 * 2 ** -53 * 100) / (2 * H);

/**
 * Of an element of a gradient, against 1 or its size: targets, sharpness and scale are rounded to f32, and the result is once or,
 * for sums of two gradients, three times. A rounded sharpness moves exponents up to 16, which moves their softmax by 16·U, of which
 * a mean over the rows keeps 1 / ROWS.
 */
const GRADIENT_ERROR = (6 + 16 / ROWS) * U;

const draw = (rng: Rng, size = 4) =>
  Float32Array.from({ length: ROWS * CLASSES }, () => size * (rng.uniform() - 0.5));

type Targets = Int32Array | Float32Array;

function evaluate(loss: Loss, logits: Float32Array, y: Targets, teacher?: Float32Array) {
  return withTape(graphOf([]), ({ cx, ref }) => {
    const output = ref([ROWS, logits.length / ROWS], logits);
    const { gradient, ...result } = loss.evaluate(cx, output, y, teacher);
    return { ...result, gradient: [...cx.f32(gradient)] };
  });
}

const logSoftmax = (z: number[]) => {
  const top = Math.max(...z);
  const total = Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0)) + top;
  return z.map((v) => v - total);
};

const rowsOf = (values: ArrayLike<number>) =>
  Array.from({ length: ROWS }, (_, r) =>
    Array.from(values).slice((r * values.length) / ROWS, ((r + 1) * values.length) / ROWS),
  );

/** Compares loss and gradient with a formula in float64 and its central differences. */
async function expectLoss(
  loss: Loss,
  logits: Float32Array,
  formula: (x: number[]) => number,
  y: Targets,
  teacher?: Float32Array,
) {
  const got = await evaluate(loss, logits, y, teacher);
  const x = [...logits];
  const want = formula(x);
  // Losses are sums in f64 of f32 roundings, at most 16 of values below 100.
  expect(Math.abs(got.loss - want), 'loss').toBeLessThan(16 * U * Math.max(1, want));
  x.forEach((v, i) => {
    const moved = (d: number) => formula(x.map((u, j) => (j === i ? v + d : u)));
    const slope = (moved(H) - moved(-H)) / (2 * H);
    const bound = GRADIENT_ERROR * Math.max(1, Math.abs(slope)) + DIFFERENCING;
    expect(Math.abs(got.gradient[i]! - slope), `[${i}] of seed ${SEED}`).toBeLessThan(bound);
  });
  return got;
}

const rng = new Rng(SEED);
const logits = draw(rng);
const labels = Int32Array.from({ length: ROWS }, () => rng.below(CLASSES));
const values = draw(rng, 3);
const mean = (terms: number[]) => terms.reduce((sum, term) => sum + term, 0) / terms.length;

describe('crossEntropy', () => {
  const classWeights = [0.5, 2, 1, 0, 3, 1.5, 1];

  test.each([{ labelSmoothing: 0.1 }, { classWeights }, { labelSmoothing: 0.3, classWeights }])(
    'with %o is its formula',
    async (options) => {
      const { labelSmoothing = 0, classWeights = new Array(CLASSES).fill(1) } = options;
      const formula = (x: number[]) =>
        mean(
          rowsOf(x).map((row, r) => {
            const p = logSoftmax(row);
            const hard = -p[labels[r]!]!;
            const spread = -mean(p);
            const loss = (1 - labelSmoothing) * hard + labelSmoothing * spread;
            return classWeights[labels[r]!]! * loss;
          }),
        );
      const got = await expectLoss(losses.crossEntropy(options), logits, formula, labels);
      const plain = await evaluate(losses.crossEntropy(), logits, labels);
      expect(got.correct).toBe(plain.correct);
    },
  );

  test('takes distributions, of which a label is one', async () => {
    const hot = new Float32Array(ROWS * CLASSES);
    labels.forEach((label, r) => {
      hot[r * CLASSES + label] = 1;
    });
    const [a, b] = [
      await evaluate(losses.crossEntropy(), logits, hot),
      await evaluate(losses.crossEntropy(), logits, labels),
    ];
    expect(a.correct).toBe(b.correct);
    // Each rounds the loss of a row, which is positive, once to f32; their means are f64.
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(2.01 * U * b.loss);
    // No element is larger than 1 / ROWS: one rounding of a, two of b.
    a.gradient.forEach((g, i) => {
      expect(Math.abs(g - b.gradient[i]!)).toBeLessThan((3 * U) / ROWS);
    });
  });
});

test.each([
  { name: 'mse', loss: losses.mse(), of: (d: number) => d * d },
  { name: 'mae', loss: losses.mae(), of: Math.abs },
  {
    name: 'huber',
    loss: losses.huber({ delta: 0.75 }),
    of: (d: number) => (Math.abs(d) <= 0.75 ? (d * d) / 2 : 0.75 * (Math.abs(d) - 0.375)),
  },
])('$name is its formula, and knows the mean absolute error', async ({ loss, of }) => {
  const formula = (x: number[]) => mean(x.map((v, i) => of(v - values[i]!)));
  const got = await expectLoss(loss, logits, formula, values);
  const error = mean([...logits].map((v, i) => Math.abs(v - values[i]!)));
  // Each difference is rounded to f32, their sum is f64.
  expect(Math.abs(got.absoluteError! / ROWS - error)).toBeLessThan(1.01 * U * error);
  expect(got.correct).toBeUndefined();
});

test('binaryCrossEntropy is its formula, and counts the outputs on the right side', async () => {
  const y = values.map((v) => (v > 0 ? 1 : 0));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const formula = (x: number[]) =>
    mean(x.map((v, i) => -Math.log(y[i] === 1 ? sigmoid(v) : 1 - sigmoid(v))));
  const got = await expectLoss(losses.binaryCrossEntropy(), logits, formula, y);
  const right = [...logits].filter((v, i) => v > 0 === (y[i] === 1)).length;
  expect(got.correct).toBeCloseTo(right / CLASSES, 12);
});

describe('distillation', () => {
  const teacher = draw(new Rng(SEED + 1), 12);

  test.each([
    { temperature: 4, alpha: 0.1 },
    { temperature: 1, alpha: 0 },
    { temperature: 2, alpha: 1 },
    { temperature: 3, alpha: 0.5 },
  ])('with %o is its formula', async (options) => {
    const { temperature: t, alpha } = options;
    const formula = (x: number[]) =>
      mean(
        rowsOf(x).map((row, r) => {
          const p = logSoftmax(row.map((v) => v / t));
          const q = logSoftmax(rowsOf(teacher)[r]!.map((v) => v / t));
          const divergence = q.reduce((sum, u, c) => sum + Math.exp(u) * (u - p[c]!), 0);
          const hard = -logSoftmax(row)[labels[r]!]!;
          return alpha * hard + (1 - alpha) * t * t * divergence;
        }),
      );
    await expectLoss(losses.distillation(options), logits, formula, labels, teacher);
  });

  test('a student that knows what its teacher knows has no loss', async () => {
    const temperature = 4;
    const loss = losses.distillation({ alpha: 0, temperature });
    const got = await evaluate(loss, logits, labels, logits);
    // T²·(Σ q·(log Σ e^z − z) − entropy), both at most log CLASSES: q is rounded to f32, and so is the row's loss.
    expect(Math.abs(got.loss)).toBeLessThan(temperature ** 2 * 2 * U * Math.log(CLASSES));
    // (softmax·Σq − q)·T / ROWS of equal distributions below 1, q and with it Σq rounded.
    for (const g of got.gradient) expect(Math.abs(g)).toBeLessThan((2 * U * temperature) / ROWS);
  });
});

test.each<[() => unknown, RegExp]>([
  [
    () => losses.crossEntropy({ labelSmoothing: 1 }),
    /^crossEntropy: labelSmoothing must be a number in \[0, 1\), got 1$/,
  ],
  [
    () => losses.crossEntropy({ classWeights: [1, -1] }),
    /^crossEntropy: classWeights\[1\] must be a finite number >= 0, got -1$/,
  ],
  [
    () => losses.crossEntropy({ smoothing: 0.1 } as never),
    /^crossEntropy: options are labelSmoothing, classWeights, got smoothing$/,
  ],
  [() => losses.huber({ delta: 0 }), /^huber: delta must be greater than 0, got 0$/],
  [
    () => losses.distillation({ temperature: 0 }),
    /^distillation: temperature must be greater than 0, got 0$/,
  ],
  [
    () => losses.distillation({ alpha: 2 }),
    /^distillation: alpha must be a finite number in \[0, 1\], got 2$/,
  ],
])('refuses %s', (make, message) => {
  expect(make).toThrow(message);
});

test.each<[string, Loss, Targets, RegExp]>([
  ['labels', losses.mse(), labels, /^mse: y must be real targets, a Float32Array, got Int32Array$/],
  ['too few targets', losses.mae(), new Float32Array(3), /^mae: y must have 35 values, got 3$/],
  [
    'weights of other classes',
    losses.crossEntropy({ classWeights: [1, 2] }),
    labels,
    /^crossEntropy: classWeights must have 7 entries, got 2$/,
  ],
  [
    'no teacher',
    losses.distillation(),
    labels,
    /^distillation: 35 logits of a teacher \(see withTeacher\), got none$/,
  ],
])('evaluation refuses %s', async (_, loss, y, message) => {
  await expect(evaluate(loss, logits, y)).rejects.toThrow(message);
});
