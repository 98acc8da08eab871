import { describe, expect, test } from 'vitest';
import { cosPi, erf, exp, expm1, log, power, sigmoid, tanh } from '../../src/core/math.ts';

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

/** `Math` of V8 is good to 1 unit in the last place: what is compared with it has that error on top. */
const ULP = 2 ** -52;

/** n values from `lo` to `hi` and 1/16 … 2⁻⁴⁰ of them, with both signs where `lo` is negative. */
function sweep(lo: number, hi: number): number[] {
  const values = Array.from({ length: 4001 }, (_, i) => lo + ((hi - lo) * i) / 4000);
  return [...values, ...values.map((x) => x / 16), ...values.map((x) => x * 2 ** -40)];
}

function expectRelative(
  f: (x: number) => number,
  g: (x: number) => number,
  x: number,
  bound: number,
) {
  const [got, expected] = [f(x), g(x)];
  expect(Math.abs(got - expected), `x = ${x}`).toBeLessThanOrEqual(bound * Math.abs(expected));
}

describe('functions of one real', () => {
  test('exp is within 1e-15 of Math.exp', () => {
    for (const x of sweep(-708, 709)) expectRelative(exp, Math.exp, x, 1e-15 + ULP);
    expect([exp(0), exp(-800), exp(800), exp(NaN)]).toEqual([1, 0, Infinity, NaN]);
    expect([exp(Infinity), exp(-Infinity)]).toEqual([Infinity, 0]);
    // Subnormal: half of the smallest number, absolutely.
    expect(Math.abs(exp(-740) - Math.exp(-740))).toBeLessThanOrEqual(2 ** -1073);
  });

  test('expm1 is within 4e-15 of Math.expm1', () => {
    for (const x of sweep(-40, 700)) expectRelative(expm1, Math.expm1, x, 4e-15 + ULP);
    expect([expm1(0), expm1(-Infinity)]).toEqual([0, -1]);
  });

  test('log is within 1e-15 of Math.log', () => {
    for (const x of sweep(1e-6, 50)) expectRelative(log, Math.log, x + 1e-300, 4e-15 + ULP);
    for (const x of [5e-324, 2 ** -1030, 2 ** -1022, 1e-300, 0.7, 1, 1.4143, 1e300]) {
      expectRelative(log, Math.log, x, 1e-15 + ULP);
    }
    expect([log(1), log(0), log(-1), log(Infinity)]).toEqual([0, -Infinity, NaN, Infinity]);
  });

  test('tanh is within 1e-14 of Math.tanh', () => {
    for (const x of sweep(-25, 25)) expectRelative(tanh, Math.tanh, x, 1e-14 + ULP);
    expect([tanh(1e300), tanh(-Infinity)]).toEqual([1, -1]);
  });

  test('sigmoid is within 1e-14 of its definition, far from overflow', () => {
    const expected = (x: number) => 1 / (1 + Math.exp(-x));
    for (const x of sweep(-700, 700)) expectRelative(sigmoid, expected, x, 1e-14 + 4 * ULP);
    expect([sigmoid(-1e9), sigmoid(1e9), sigmoid(0)]).toEqual([0, 1, 0.5]);
  });

  test('erf has the values of tables, and is odd', () => {
    // Abramowitz and Stegun, table 7.1, and for 3 and 5 the complement from their continued fractions.
    const known: [number, number][] = [
      [0, 0],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2, 0.9953222650189527],
      [3, 0.9999779095030014],
      [5, 0.9999999999984626],
      [6.5, 1],
    ];
    for (const [x, y] of known) {
      expect(Math.abs(erf(x) - y), `x = ${x}`).toBeLessThan(1e-15);
      expect(erf(-x) + erf(x)).toBe(0);
    }
  });

  test('erf has the derivative 2/√π·e^(−x²)', () => {
    const h = 1e-4;
    for (const x of sweep(-5.9, 5.9)) {
      const slope = (erf(x + h) - erf(x - h)) / (2 * h);
      // h²/6 of a third derivative below 2.3 · 2, and 1e-15/h of rounding.
      expect(Math.abs(slope - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x))).toBeLessThan(2e-8);
    }
  });
});
