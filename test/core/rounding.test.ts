import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import {
  quantize,
  requantize,
  roundTiesToEven,
  roundToRange,
  scaleAcc,
} from '../../src/core/rounding.ts';

describe('roundTiesToEven', () => {
  test.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0],
    [2.5000000001, 3],
    [-2.4999999999, -2],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [Infinity, Infinity],
  ])('of %d is %d', (x, expected) => {
    expect(roundTiesToEven(x) + 0).toBe(expected);
  });

  /** Adding and taking away 1.5·2⁵² makes the floating-point unit round to an integer, ties to even. */
  test('is what the floating-point unit does', () => {
    const magic = 1.5 * 2 ** 52;
    const rng = new Rng(1);
    for (let i = 0; i < 20000; i++) {
      const x = (rng.below(4001) - 2000) / 8 + (i % 2) * (rng.uniform() - 0.5);
      expect(roundTiesToEven(x) + 0, `x = ${x}`).toBe(x + magic - magic + 0);
    }
  });
});

describe('scaleAcc', () => {
  test('rounds to f32 after the conversion, the product and the sum', () => {
    // 2²⁴ + 1 is no f32: the conversion takes it to 2²⁴.
    expect(scaleAcc(2 ** 24 + 1, 0, 1, 0)).toBe(2 ** 24);
    expect(scaleAcc(2 ** 24, 1, 1, 0)).toBe(2 ** 24);
    // 3 · f32(0.1) = 0.3000000044703484 lies between two f32; 1 is added to the rounded product.
    const product = Math.fround(3 * Math.fround(0.1));
    expect(scaleAcc(3, 0, Math.fround(0.1), 1)).toBe(Math.fround(product + 1));
  });

  test('wraps acc + bias as i32', () => {
    expect(scaleAcc(2 ** 31 - 1, 1, 1, 0)).toBe(-(2 ** 31));
  });
});

describe('roundToRange', () => {
  test('adds the zero point after rounding', () => {
    // Before rounding, 0.5 + 1 = 1.5 would round to 2.
    expect(roundToRange(0.5, 1, -128, 127)).toBe(1);
    expect(roundToRange(1.5, 1, -128, 127)).toBe(3);
  });

  test.each([
    [1e30, 127],
    [-1e30, -128],
    [Infinity, 127],
    [-Infinity, -128],
    [Number.NaN, 5],
  ])('takes %d to %d', (u, expected) => {
    expect(roundToRange(u, 5, -128, 127)).toBe(expected);
  });

  test('never gives -0', () => {
    expect(Object.is(roundToRange(-0.25, 0, -128, 127), 0)).toBe(true);
  });
});

test('quantize multiplies by the inverse scale in f32 and does not divide', () => {
  const scale = Math.fround(0.3);
  const inverse = Math.fround(1 / scale);
  let differ = 0;
  for (let k = -100; k < 100; k++) {
    const x = Math.fround((k + 0.5) * scale);
    const q = quantize(x, inverse, 0, -128, 127);
    expect(q, `x = ${x}`).toBe(roundTiesToEven(Math.fround(x * inverse)) + 0);
    if (q !== roundTiesToEven(x / scale) + 0) differ++;
  }
  expect(differ).toBeGreaterThan(0);
  expect(quantize(1, inverse, 3, -128, 4)).toBe(4);
  expect(quantize(-100, inverse, 3, -20, 127)).toBe(-20);
});

test('requantize is scaleAcc and roundToRange', () => {
  const rng = new Rng(2);
  for (let i = 0; i < 1000; i++) {
    const acc = rng.below(200001) - 100000;
    const bias = rng.below(2001) - 1000;
    const m = Math.fround((rng.uniform() - 0.5) / 100);
    const b = Math.fround(rng.uniform() * 20 - 10);
    const z = rng.below(256) - 128;
    const expected = roundToRange(scaleAcc(acc, bias, m, b), z, -100, 90);
    expect(requantize(acc, bias, m, b, z, -100, 90)).toBe(expected);
  }
});
