import { describe, expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { Rng } from '../../src/core/rng.ts';
import { adam, adamW, type Optimizer, rmsprop, sgd } from '../../src/optim/optimizer.ts';

const SEED = 41;
const SIZE = 13;
const STEPS = 20;
const f = Math.fround;

/** Weights after each step, the gradient of step t being g[t]. */
function run(optimizer: Optimizer, w: Float32Array, g: readonly Float32Array[], decay = true) {
  return withDevice(async (device) => {
    const cx = new StepContext(device, true);
    const place = (values: Float32Array) => {
      const ref = cx.alloc([SIZE]);
      cx.f32(ref).set(values);
      return ref;
    };
    const target = place(w);
    const slots = Array.from({ length: optimizer.slots }, () => cx.zeros([SIZE]));
    const after: number[][] = [];
    g.forEach((values, t) => {
      const gradient = place(values);
      const rate = optimizer.learningRate as number;
      optimizer.update(cx, { w: target, gradient, slots, decay }, rate, t + 1);
      after.push([...cx.f32(target)]);
    });
    cx.end();
    return after;
  });
}

function draw() {
  const rng = new Rng(SEED);
  const values = () => Float32Array.from({ length: SIZE }, () => 2 * rng.uniform() - 1);
  return { w: values(), g: Array.from({ length: STEPS }, values) };
}

/** An update in float64: returns the new weight. */
type Rule = (
  w: number,
  g: number,
  t: number,
  memory: { m: number; v: number; a: number },
) => number;

/**
 * |w| stays below 4 and an update is a handful of f32 operations, so a step adds 8 roundings of numbers below 4 at most, and
 * earlier ones are not amplified: all the rules contract or carry them on.
 */
async function expectRule(optimizer: Optimizer, rule: Rule, decay = true): Promise<void> {
  const { w, g } = draw();
  const got = await run(optimizer, w, g, decay);
  for (let i = 0; i < SIZE; i++) {
    const memory = { m: 0, v: 0, a: 0 };
    let weight = w[i]!;
    g.forEach((values, t) => {
      weight = rule(weight, values[i]!, t + 1, memory);
      const bound = (t + 1) * 8 * 2 ** -24 * 4;
      const where = `${optimizer.name}: w[${i}] at step ${t + 1} of seed ${SEED}`;
      expect(Math.abs(got[t]![i]! - weight), where).toBeLessThan(bound);
    });
  }
}

/** Options are rounded to f32 on their way into the kernel. */
const [rate, momentum, weightDecay] = [f(0.05), f(0.9), f(0.01)];

const sgdRule =
  (mu: number, nesterov: boolean, decay: number): Rule =>
  (w, g, _t, memory) => {
    const gradient = g + decay * w;
    memory.m = mu * memory.m + gradient;
    return w - rate * (nesterov ? gradient + mu * memory.m : memory.m);
  };

describe('sgd', () => {
  test.each([
    { momentum: 0, nesterov: false, weightDecay: 0 },
    { momentum, nesterov: false, weightDecay: 0 },
    { momentum, nesterov: true, weightDecay: 0 },
    { momentum, nesterov: false, weightDecay },
    { momentum, nesterov: true, weightDecay },
  ])('follows its formula with %o', async (options) => {
    const rule = sgdRule(options.momentum, options.nesterov, options.weightDecay);
    await expectRule(sgd({ learningRate: rate, ...options }), rule);
  });

  test('weight decay leaves biases, norms and scales alone', async () => {
    await expectRule(sgd({ learningRate: rate, weightDecay: 0.5 }), sgdRule(0, false, 0), false);
  });

  test('has no memory without momentum: three equal steps are equal', async () => {
    const { g } = draw();
    const zero = new Float32Array(SIZE);
    const [first, , third] = await run(sgd({ learningRate: 0.5 }), zero, [g[0]!, g[0]!, g[0]!]);
    first!.forEach((w, i) => {
      expect(third![i]).toBeCloseTo(3 * w, 6);
    });
  });
});

const [beta1, beta2, epsilon] = [f(0.8), f(0.95), f(1e-3)];

const adamRule =
  (decay: number): Rule =>
  (w, g, t, memory) => {
    memory.m = beta1 * memory.m + (1 - beta1) * g;
    memory.v = beta2 * memory.v + (1 - beta2) * g * g;
    const m = memory.m / (1 - beta1 ** t);
    const v = memory.v / (1 - beta2 ** t);
    return w - rate * (m / (Math.sqrt(v) + epsilon) + decay * w);
  };

describe.each([
  { make: adam, name: 'adam' },
  { make: adamW, name: 'adamW' },
])('$name', ({ make }) => {
  const options = { learningRate: rate, beta1, beta2, epsilon };

  test.each([0, weightDecay])('follows its formula with weight decay %d', async (decay) => {
    await expectRule(make({ ...options, weightDecay: decay }), adamRule(decay));
  });

  test('weight decay leaves biases, norms and scales alone', async () => {
    await expectRule(make({ ...options, weightDecay: 0.5 }), adamRule(0), false);
  });

  test('the first step has the size of the learning rate, whatever the gradient', async () => {
    const zero = new Float32Array(SIZE);
    const tiny = Float32Array.from(
      { length: SIZE },
      (_, i) => (i % 2 ? -1 : 1) * 10 ** (i / 3 - 3),
    );
    const [after] = await run(make({ learningRate: 0.25, weightDecay: 0 }), zero, [tiny]);
    // epsilon 1e-7 against gradients of 1e-3 and more: 1e-4 relative.
    after!.forEach((w, i) => {
      expect(Math.abs(w - (i % 2 ? 0.25 : -0.25))).toBeLessThan(0.25 * 1.01e-4);
    });
  });
});

test('adamW decays weights unless told not to, adam does not', async () => {
  const options = { learningRate: rate, beta1, beta2, epsilon };
  await expectRule(adamW(options), adamRule(f(0.01)));
  await expectRule(adam(options), adamRule(0));
});

const rho = f(0.9);

const rmspropRule =
  (mu: number, centered: boolean, decay: number): Rule =>
  (w, g, _t, memory) => {
    memory.v = rho * memory.v + (1 - rho) * g * g;
    memory.a = rho * memory.a + (1 - rho) * g;
    const spread = centered ? memory.v - memory.a ** 2 : memory.v;
    memory.m = mu * memory.m + (rate * g) / Math.sqrt(spread + epsilon);
    return w - memory.m - rate * decay * w;
  };

describe('rmsprop', () => {
  test.each([
    { momentum: 0, centered: false, weightDecay: 0 },
    { momentum, centered: false, weightDecay: 0 },
    { momentum: 0, centered: true, weightDecay },
    { momentum, centered: false, weightDecay },
  ])('follows its formula with %o', async (options) => {
    const rule = rmspropRule(options.momentum, options.centered, options.weightDecay);
    await expectRule(rmsprop({ learningRate: rate, rho, epsilon, ...options }), rule);
  });

  test('weight decay leaves biases, norms and scales alone', async () => {
    const options = { learningRate: rate, rho, epsilon, weightDecay: 0.5 };
    await expectRule(rmsprop(options), rmspropRule(0, false, 0), false);
  });

  test('equal large gradients, whose variance is rounding, give finite weights', async () => {
    const g = Array.from({ length: STEPS }, () => new Float32Array(SIZE).fill(1234.5));
    const after = await run(rmsprop({ centered: true }), new Float32Array(SIZE), g);
    expect(after.at(-1)!.every(Number.isFinite)).toBe(true);
  });
});

test.each([sgd, adam, adamW, rmsprop])('%o clips each element of a gradient', async (make) => {
  const { w, g } = draw();
  const limit = 0.25;
  const clipped = g.map((values) => values.map((v) => Math.max(-limit, Math.min(limit, v))));
  const got = await run(make({ learningRate: 0.05, clipValue: limit }), w, g);
  expect(got).toEqual(await run(make({ learningRate: 0.05 }), w, clipped));
  expect(got).not.toEqual(await run(make({ learningRate: 0.05 }), w, g));
});

test.each<[() => unknown, RegExp]>([
  [
    () => sgd({ learningRat: 1 } as never),
    /^sgd: options are learningRate, momentum, .*, got learningRat$/,
  ],
  [() => sgd({ learningRate: -1 }), /^sgd: learningRate must be a finite number >= 0, got -1$/],
  [
    () => sgd({ learningRate: Number.NaN }),
    /^sgd: learningRate must be a finite number >= 0, got NaN$/,
  ],
  [() => sgd({ momentum: 1.5 }), /^sgd: momentum must be a finite number in \[0, 1\], got 1.5$/],
  [() => sgd({ weightDecay: -0.1 }), /^sgd: weightDecay must be a finite number >= 0, got -0.1$/],
  [
    () => adam({ momentum: 0.9 } as never),
    /^adam: options are learningRate, beta1, .*, got momentum$/,
  ],
  [() => adam({ beta1: -0.1 }), /^adam: beta1 must be a number in \[0, 1\), got -0.1$/],
  [() => adamW({ beta1: 1 }), /^adamW: beta1 must be a number in \[0, 1\), got 1$/],
  [() => rmsprop({ rho: 1 }), /^rmsprop: rho must be a number in \[0, 1\), got 1$/],
  [() => rmsprop({ epsilon: -1 }), /^rmsprop: epsilon must be a finite number >= 0, got -1$/],
  [() => sgd({ clipNorm: 0 }), /^sgd: clipNorm must be greater than 0, got 0$/],
  [() => adam({ clipValue: -1 }), /^adam: clipValue must be a finite number >= 0, got -1$/],
  [
    () => adam({ clipValue: 1, clipNorm: 1 }),
    /^adam: clipNorm or clipValue is expected, got both$/,
  ],
  [
    () => sgd({ averaging: { decay: 1 } }),
    /^sgd: averaging: decay must be a number in \[0, 1\), got 1$/,
  ],
  [() => sgd({ averaging: { rate: 1 } as never }), /^sgd: averaging: options are decay, got rate$/],
  [() => sgd({ groups: {} as never }), /^sgd: groups must be an array, got Object$/],
  [
    () => sgd({ groups: [{ match: 'dense' as never }] }),
    /^sgd: groups\[0\]: match must be a RegExp or a function, got "dense"$/,
  ],
  [
    () => sgd({ groups: [{ match: /dense/, learningRateMultiplier: -1 }] }),
    /^sgd: groups\[0\]: learningRateMultiplier must be a finite number >= 0, got -1$/,
  ],
  [
    () => sgd({ groups: [{ match: /dense/, weightDecay: Number.NaN }] }),
    /^sgd: groups\[0\]: weightDecay must be a finite number >= 0, got NaN$/,
  ],
  [
    () => sgd({ groups: [{ match: /dense/, frozen: 1 as never }] }),
    /^sgd: groups\[0\]: frozen must be true or false, got 1$/,
  ],
  [() => adam({ beta2: 1 }), /^adam: beta2 must be a number in \[0, 1\), got 1$/],
])('refuses %s', (make, message) => {
  expect(make).toThrow(message);
});
