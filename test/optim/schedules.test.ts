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
])('refuses %s', (make, message) => {
  expect(make).toThrow(message);
});
