import { expect, test } from 'vitest';
import {
  absoluteSums,
  accumulatorBounds,
  largestMagnitude,
  looseBound,
  maxDistance,
  needsClampedRounding,
} from '../../src/core/overflow.ts';

test('absoluteSums walks [channels][inner] and [outer][channels]', () => {
  const data = Int8Array.of(1, -2, 3, -4, 5, -6);
  expect([...absoluteSums({ data, channels: 2, inner: 3 })]).toEqual([6, 15]);
  expect([...absoluteSums({ data, channels: 2, inner: 1 })]).toEqual([9, 12]);
  expect([...absoluteSums({ data: Int8Array.of(-128), channels: 1, inner: 1 })]).toEqual([128]);
});

test.each([
  [-128, 255],
  [127, 255],
  [0, 128],
  [-1, 128],
  [10, 138],
])('the largest distance from zero point %i is %i', (zeroPoint, expected) => {
  expect(maxDistance(zeroPoint)).toBe(expected);
});

test('accumulatorBounds are reached by the worst input and never passed', () => {
  const data = Int8Array.of(127, -127, 5, -9);
  const [first, second] = accumulatorBounds({ data, channels: 2, inner: 2 }, -128, [-7, 0]);
  expect([first, second]).toEqual([254 * 255 + 7, 14 * 255]);
  const distances = [0, 255];
  const reached = distances.flatMap((a) => distances.map((b) => Math.abs(127 * a - 127 * b - 7)));
  expect(Math.max(...reached)).toBeLessThanOrEqual(first!);
});

test('looseBound is that of the worst weights, and the largest bias', () => {
  const weights = { data: Int8Array.of(1, -2, 3, 4), channels: 2, inner: 2 };
  expect(looseBound(weights, -128, Int32Array.of(5, -7))).toBe(2 * 128 * 255 + 7);
  expect(looseBound({ ...weights, zeroPoint: -128 }, 0, undefined)).toBe(2 * 255 * 128);
});

test.each([
  [[], 0],
  [[1, -3, 2], 3],
  [[-0, 2 ** -149], 2 ** -149],
  [[1, -Infinity], Infinity],
  [[Infinity, Number.NaN, 1], Number.NaN],
])('the largest magnitude of %j is %d', (data, expected) => {
  expect(largestMagnitude(Float32Array.from(data))).toBe(expected);
});

test('the largest magnitude is that of the view alone', () => {
  expect(largestMagnitude(Float32Array.of(9, 1, 2, 8).subarray(1, 3))).toBe(2);
});

test.each([
  [2 ** 22, 0.5, 0, false],
  [2 ** 22, 1, 0, true],
  [2 ** 22, -1, 0, true],
  [0, 0, 2 ** 22, true],
  [2 ** 21, 1, 2 ** 21 - 8, false],
  [2 ** 21, 1, -(2 ** 21), true],
  [1, Number.NaN, 0, true],
])('bound %d, M %d, B %d needs clamped rounding: %s', (bound, m, b, expected) => {
  expect(needsClampedRounding(bound, m, b)).toBe(expected);
});
