import { expect, test } from 'vitest';
import { checkQParams, type QParams, weightRange } from '../../src/core/qparams.ts';

test.each([
  [8, undefined, -127, 127],
  [8, false, -128, 127],
  [4, undefined, -8, 7],
  [4, true, -7, 7],
  [3, undefined, -4, 3],
  [2, undefined, -2, 1],
])('weights of %i bits, narrowRange %s: [%i, %i]', (bits, narrow, qmin, qmax) => {
  expect(weightRange(bits, narrow)).toEqual({ qmin, qmax });
});

const good: QParams = { scale: [0.5], zeroPoint: 3, qmin: -128, qmax: 127 };

test('accepts the edges of the contract', () => {
  for (const change of [{}, { zeroPoint: -128 }, { zeroPoint: 127 }, { scale: [2 ** -149] }]) {
    expect(() => checkQParams('x', { ...good, ...change })).not.toThrow();
  }
});

test.each<[Partial<QParams>, string]>([
  [{ qmin: 1, qmax: 0 }, 'x: qmin and qmax must be integers with qmin <= qmax, got [1,0]'],
  [{ qmin: 0.5 }, 'x: qmin and qmax must be integers with qmin <= qmax, got [0.5,127]'],
  [{ zeroPoint: 128 }, 'x: zeroPoint must be an integer in [-128, 127], got 128'],
  [{ zeroPoint: 0.5 }, 'x: zeroPoint must be an integer in [-128, 127], got 0.5'],
  [{ scale: [0] }, 'x: scale must be a finite f32 above 0, got 0'],
  [{ scale: [-1] }, 'x: scale must be a finite f32 above 0, got -1'],
  [{ scale: [0.5, Infinity] }, 'x: scale must be a finite f32 above 0, got Infinity'],
  [{ scale: [Number.NaN] }, 'x: scale must be a finite f32 above 0, got NaN'],
  [{ scale: [0.1] }, 'x: scale must be a finite f32 above 0, got 0.1'],
])('refuses %o', (change, message) => {
  expect(() => checkQParams('x', { ...good, ...change })).toThrow(new RangeError(message));
});
