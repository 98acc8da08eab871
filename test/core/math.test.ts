import { describe, expect, test } from 'vitest';
import { cosPi, power } from '../../src/core/math.ts';

describe('cosPi', () => {
  test('is within 1e-15 of Math.cos, itself good to half a unit in the last place', () => {
    for (let i = 0; i <= 4096; i++) {
      const t = i / 4096;
      // π·t is rounded before Math.cos sees it: up to π·2⁻⁵³ = 3.5e-16 of the angle.
      expect(Math.abs(cosPi(t) - Math.cos(Math.PI * t)), `t = ${t}`).toBeLessThan(1e-15 + 3.5e-16);
    }
  });

  test('is exact at the ends and in the middle', () => {
    expect([cosPi(0), cosPi(1), Math.abs(cosPi(0.5))]).toEqual([1, -1, 0]);
  });

  test('is antisymmetric about 1/2', () => {
    for (const t of [0.0625, 0.125, 0.1875, 0.25, 0.375]) expect(cosPi(1 - t)).toBe(-cosPi(t));
  });
});

describe('power', () => {
  test.each([
    [2, 10, 1024],
    [0.5, 3, 0.125],
    [7, 0, 1],
    [0, 5, 0],
    [-3, 3, -27],
  ])('%d to the %d is %d', (base, exponent, expected) => {
    expect(power(base, exponent)).toBe(expected);
  });

  test('agrees with repeated multiplication over thousands of steps', () => {
    let product = 1;
    for (let n = 0; n <= 5000; n++) {
      // n roundings one after another against 2·log2(n) of them, each of 2⁻⁵³.
      const bound = (n + 26) * 2 ** -53 * product;
      expect(Math.abs(power(0.999, n) - product), `n = ${n}`).toBeLessThanOrEqual(bound);
      product *= 0.999;
    }
  });
});
