import { describe, expect, test } from 'vitest';
import {
  absoluteSums,
  accumulatorBounds,
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

test('accumulatorBounds are loose where no weights could pass the room, and tight elsewhere', () => {
  const weights = { data: Int8Array.of(1, -2, 3, 4), channels: 2, inner: 2 };
  const loose = 2 * 128 * 255;
  expect([...accumulatorBounds(weights, -128, [5, 0], loose + 5)]).toEqual([loose + 5, loose]);
  expect([...accumulatorBounds(weights, -128, [5, 0], loose + 4)]).toEqual([3 * 255 + 5, 7 * 255]);
});

describe('needsClampedRounding', () => {
  const asks = (bound: number, m: number, b: number) =>
    needsClampedRounding(Float64Array.of(bound), { multiplier: [m], addend: [b] });

  test.each([
    [2 ** 22, 0.5, 0, false],
    [2 ** 22, 1, 0, true],
    [2 ** 22, -1, 0, true],
    [0, 0, 2 ** 22, true],
    [2 ** 21, 1, 2 ** 21 - 8, false],
    [2 ** 21, 1, -(2 ** 21), true],
    [1, Number.NaN, 0, true],
  ])('bound %d, M %d, B %d: %s', (bound, m, b, expected) => {
    expect(asks(bound, m, b)).toBe(expected);
  });

  test('one channel is enough', () => {
    const requant = { multiplier: [1, 1], addend: [0, 0] };
    expect(needsClampedRounding(Float64Array.of(1, 2 ** 23), requant)).toBe(true);
  });
});
