import { describe, expect, test } from 'vitest';
import { exp, tanh } from '../../src/core/math.ts';
import type { QParams } from '../../src/core/qparams.ts';
import { quantize } from '../../src/core/rounding.ts';
import { lookupTable, requantizeTable } from '../../src/ops/lookup.ts';
import { softmaxTable } from '../../src/ops/softmax.ts';
import { realFunction } from '../../src/ops/unary.ts';

const f = Math.fround;
const from: QParams = { scale: [f(0.05)], zeroPoint: -3, qmin: -128, qmax: 127 };
const to: QParams = { scale: [f(1 / 128)], zeroPoint: 0, qmin: -128, qmax: 127 };

describe('lookupTable', () => {
  test('has the integer of f(real) at the byte of each integer', () => {
    const table = lookupTable(tanh, from, to);
    for (let q = -128; q < 128; q++) {
      const real = f(Math.tanh((q + 3) * from.scale[0]!));
      // Far enough from ties for the last bit of Math.tanh to be no matter.
      expect(table[q & 255], `q = ${q}`).toBe(quantize(real, 128, 0, -128, 127));
    }
  });

  test('clamps, and takes what is no number for real 0', () => {
    const range = { ...to, zeroPoint: 5, qmin: 0, qmax: 100 };
    const table = lookupTable(realFunction('log'), from, range);
    expect([table[-128 & 255], table[-3 & 255], table[127]]).toEqual([5, 0, 100]);
  });

  test('takes the attributes of the op', () => {
    const table = lookupTable(realFunction('leakyRelu', { alpha: 0.5 }), from, from);
    expect([table[-23 & 255], table[17]]).toEqual([-13, 17]);
  });
});

test('requantizeTable rounds ties to even and clamps', () => {
  const half = { ...to, scale: [f(0.1)], zeroPoint: 10 };
  const table = requantizeTable({ ...from, zeroPoint: 0 }, { ...half, scale: [f(2 * f(0.05))] });
  expect([1, 2, 3, 4, 5].map((q) => table[q])).toEqual([10, 11, 12, 12, 12]);
  const wide = requantizeTable(from, { ...from, scale: [f(0.01)] });
  expect([wide[127], wide[-128 & 255], wide[-3 & 255]]).toEqual([127, -128, -3]);
});

test('softmaxTable begins with 1 and falls', () => {
  const table = softmaxTable(f(0.1), 2);
  expect(table[0]).toBe(1);
  expect(table[255]).toBe(f(exp(-255 * f(0.1) * 2)));
  expect(table.every((e, d) => d === 0 || (e < table[d - 1]! && e >= 0))).toBe(true);
});
