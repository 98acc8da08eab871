import { describe, expect, test } from 'vitest';
import { schedules } from '../../src/optim/schedules.ts';

describe('cosine', () => {
  const cosine = schedules.cosine({ learningRate: 0.1 });

  test('goes from the learning rate along half a cosine', () => {
    for (let step = 0; step < 100; step++) {
      const expected = 0.05 * (1 + Math.cos((Math.PI * step) / 100));
      // cosPi is good to 1e-15, and so is Math.cos of a rounded angle.
      expect(Math.abs(cosine(step, 100) - expected), `step ${step}`).toBeLessThan(2e-16);
    }
    expect([cosine(0, 100), cosine(50, 100), cosine(100, 100)]).toEqual([0.1, 0.05, 0]);
  });

  test('warms up along a line, then starts at the learning rate', () => {
    const warm = schedules.cosine({ learningRate: 0.1, warmup: 4 });
    const first = [0, 1, 2, 3, 4].map((step) => warm(step, 20));
    [0.025, 0.05, 0.075, 0.1, 0.1].forEach((rate, i) => {
      expect(first[i]).toBeCloseTo(rate, 15);
    });
    expect(warm(12, 20)).toBeCloseTo(0.05, 15);
    expect(warm(5, 20)).toBeLessThan(0.1);
  });

  test('a run shorter than its warm-up only warms up', () => {
    const warm = schedules.cosine({ learningRate: 1, warmup: 10 });
    expect([0, 4].map((step) => warm(step, 5))).toEqual([0.1, 0.5]);
  });
});

test('linear goes to 0 along a line', () => {
  const linear = schedules.linear({ learningRate: 0.4 });
  expect([0, 1, 2, 3].map((step) => linear(step, 4))).toEqual([0.4, 0.4 * 0.75, 0.2, 0.1]);
});

/** All rates of a run. */
const rates = (schedule: (step: number, total: number) => number, total: number) =>
  Array.from({ length: total }, (_, step) => schedule(step, total));

/** |got − want| within 1e-14 of want: some fifty f64 roundings. */
function expectRates(got: number[], want: number[]): void {
  expect(got).toHaveLength(want.length);
  got.forEach((rate, i) => {
    expect(Math.abs(rate - want[i]!), `step ${i}`).toBeLessThanOrEqual(1e-14 * want[i]!);
  });
}

describe('step', () => {
  test('drops every so many steps', () => {
    const schedule = schedules.step({ learningRate: 0.8, gamma: 0.5, every: 3 });
    expect(rates(schedule, 8)).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]);
  });

  test('drops to a tenth at each milestone', () => {
    const schedule = schedules.step({ learningRate: 1, milestones: [0, 2, 5] });
    const want = [0, 1, 2, 3, 4, 5, 6].map((i) => 0.1 ** (i < 2 ? 1 : i < 5 ? 2 : 3));
    expectRates(rates(schedule, 7), want);
  });
});

test('exponential multiplies by the decay at each step', () => {
  const schedule = schedules.exponential({ learningRate: 0.3, decay: 0.97 });
  expectRates(
    rates(schedule, 200),
    Array.from({ length: 200 }, (_, i) => 0.3 * 0.97 ** i),
  );
});

describe('warmup', () => {
  test('goes up along a line to a constant', () => {
    const schedule = schedules.warmup({ steps: 4, schedule: 0.4 });
    expectRates(rates(schedule, 6), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]);
  });

  test('before a cosine it is the warm-up of cosine', () => {
    const schedule = schedules.cosine({ learningRate: 0.1 });
    const composed = schedules.warmup({ steps: 5, schedule });
    expectRates(rates(composed, 40), rates(schedules.cosine({ learningRate: 0.1, warmup: 5 }), 40));
  });

  test('gives a schedule the steps that are left', () => {
    const schedule = schedules.warmup({
      steps: 2,
      schedule: schedules.linear({ learningRate: 1 }),
    });
    expectRates(rates(schedule, 6), [0.5, 1, 1, 0.75, 0.5, 0.25]);
  });
});

describe('oneCycle', () => {
  const [total, most] = [50, 0.2];

  test.each(['cosine', 'linear'] as const)('is OneCycleLR along a %s', (curve) => {
    const schedule = schedules.oneCycle({ learningRate: most, curve });
    const shape = (t: number) => (curve === 'linear' ? t : (1 - Math.cos(Math.PI * t)) / 2);
    const want = Array.from({ length: total }, (_, i) => {
      const top = 0.3 * total - 1;
      if (i <= top) return most / 25 + (most - most / 25) * shape(i / top);
      const least = most / 25 / 1e4;
      return most + (least - most) * shape((i - top) / (total - 1 - top));
    });
    const got = rates(schedule, total);
    // Differences of rates up to 0.2.
    got.forEach((rate, i) => {
      expect(Math.abs(rate - want[i]!), `step ${i}`).toBeLessThan(1e-15);
    });
    expect(got[0]).toBe(most / 25);
    expect(Math.max(...got)).toBe(most);
    expect(got.indexOf(most)).toBe(14);
  });

  test('has rates for runs of one and two steps', () => {
    const schedule = schedules.oneCycle({ learningRate: most });
    for (const length of [1, 2]) {
      for (const rate of rates(schedule, length)) expect(rate).toBeGreaterThan(0);
    }
  });
});

test.each<[() => unknown, RegExp]>([
  [
    () => schedules.cosine({} as never),
    /^cosine: learningRate must be a finite number >= 0, got undefined$/,
  ],
  [
    () => schedules.cosine({ learningRate: 1, warmUp: 2 } as never),
    /^cosine: options are learningRate, warmup, got warmUp$/,
  ],
  [
    () => schedules.cosine({ learningRate: 1, warmup: -2 }),
    /^cosine: warmup must be an integer >= 0, got -2$/,
  ],
  [
    () => schedules.linear({ learningRate: -1 }),
    /^linear: learningRate must be a finite number >= 0, got -1$/,
  ],
  [
    () => schedules.linear({ learningRate: 1, total: 3 } as never),
    /^linear: options are learningRate, got total$/,
  ],
  [() => schedules.step({ learningRate: 1 }), /^step: every or milestones is expected, got none$/],
  [
    () => schedules.step({ learningRate: 1, every: 2, milestones: [] }),
    /^step: every or milestones is expected, got both$/,
  ],
  [
    () => schedules.step({ learningRate: 1, milestones: [3, 3] }),
    /^step: milestones\[1\] must be an integer >= 4, got 3$/,
  ],
  [
    () => schedules.exponential({ learningRate: 1, decay: 1.1 }),
    /^exponential: decay must be a finite number in \[0, 1\], got 1.1$/,
  ],
  [
    () => schedules.warmup({ steps: 0, schedule: 1 }),
    /^warmup: steps must be an integer >= 1, got 0$/,
  ],
  [
    () => schedules.warmup({ steps: 3, schedule: -1 }),
    /^warmup: schedule must be a finite number >= 0, got -1$/,
  ],
  [
    () => schedules.oneCycle({ learningRate: 1, rise: 1 }),
    /^oneCycle: rise must be a number in \(0, 1\), got 1$/,
  ],
  [
    () => schedules.oneCycle({ learningRate: 1, curve: 'sine' as never }),
    /^oneCycle: curve must be cosine or linear, got "sine"$/,
  ],
])('refuses %s', (make, message) => {
  expect(make).toThrow(message);
});
