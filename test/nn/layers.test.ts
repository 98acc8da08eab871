import { describe, expect, test } from 'vitest';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';

/** Shape of one sample after a layer. */
function shapeAfter(layer: Module, shape: readonly number[]): readonly number[] {
  const graph = sequential([layer]).build(shape);
  return graph.values[graph.outputs[0]!]!.shape.slice(1);
}

/** 'same' gives ceil(extent / stride) outputs, 'valid' floor((extent − reach) / stride) + 1. */
describe('window options', () => {
  test.each([5, 6, 7, 8])('conv2d of extent %i', (extent) => {
    const conv = (padding: 'same' | 'valid' | number, strides: number, dilation = 1) =>
      shapeAfter(layers.conv2d({ filters: 1, kernelSize: 3, padding, strides, dilation }), [
        extent,
        extent,
        1,
      ])[0];
    expect(conv('same', 1)).toBe(extent);
    expect(conv('same', 2)).toBe(Math.ceil(extent / 2));
    expect(conv('same', 3)).toBe(Math.ceil(extent / 3));
    expect(conv('same', 1, 2)).toBe(extent);
    expect(conv('valid', 1)).toBe(extent - 2);
    expect(conv('valid', 2)).toBe(Math.floor((extent - 3) / 2) + 1);
    expect(conv('valid', 1, 2)).toBe(extent - 4);
    expect(conv(1, 1)).toBe(extent);
  });

  test("'same' puts the odd pixel at the end, as TensorFlow does", () => {
    const conv = layers.conv2d({ filters: 1, kernelSize: 3, padding: 'same', strides: 2 });
    expect(sequential([conv]).build([6, 7, 1]).nodes[0]!.attrs.padding).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  test('pools step by their window unless told otherwise', () => {
    expect(shapeAfter(layers.maxPool2d(), [6, 7, 2])).toEqual([3, 3, 2]);
    expect(shapeAfter(layers.maxPool2d({ poolSize: 3, strides: 1 }), [6, 7, 2])).toEqual([4, 5, 2]);
    expect(
      shapeAfter(layers.averagePool2d({ poolSize: [2, 1], padding: 'same' }), [5, 4, 2]),
    ).toEqual([3, 4, 2]);
  });
});

test('heads', () => {
  expect(shapeAfter(layers.flatten(), [3, 4, 5])).toEqual([60]);
  expect(shapeAfter(layers.globalAveragePool2d(), [3, 4, 5])).toEqual([5]);
  expect(shapeAfter(layers.dense({ units: 7 }), [5])).toEqual([7]);
  expect(shapeAfter(layers.depthwiseConv2d({ kernelSize: [1, 3] }), [3, 4, 5])).toEqual([3, 2, 5]);
});

test('first values: Glorot and He bounds, zeros and ones', () => {
  const graph = sequential([
    layers.conv2d({ filters: 8, kernelSize: 3 }),
    layers.batchNormalization(),
    layers.depthwiseConv2d({ kernelSize: 3, kernelInitializer: 'heUniform' }),
  ]).build([8, 8, 4]);
  const [kernel, bias, gamma, beta, mean, variance, depthwise] = [...graph.parameters.values()];
  const most = (data: ArrayLike<number>) => Math.max(...Array.from(data, Math.abs));
  // 288 and 72 uniform numbers: the largest is above 9/10 of the bound but for a chance of 0.9⁷² = 5e-4 at one seed.
  const glorot = Math.sqrt(6 / (36 + 72));
  expect(most(kernel!.data)).toBeLessThanOrEqual(glorot);
  expect(most(kernel!.data)).toBeGreaterThan(0.9 * glorot);
  const he = Math.sqrt(6 / 9);
  expect(most(depthwise!.data)).toBeLessThanOrEqual(he);
  expect(most(depthwise!.data)).toBeGreaterThan(0.9 * he);
  const all = (data: ArrayLike<number>, value: number) =>
    Array.from(data).every((v) => v === value);
  expect(all(bias!.data, 0) && all(beta!.data, 0) && all(mean!.data, 0)).toBe(true);
  expect(all(gamma!.data, 1) && all(variance!.data, 1)).toBe(true);
});

test('weight decay is for kernels, statistics are not trained', () => {
  const graph = sequential([
    layers.conv2d({ filters: 1, kernelSize: 1 }),
    layers.batchNormalization(),
  ]).build([1, 1, 1]);
  const marks = [...graph.parameters.values()].map(({ name, decay, trainable }) => [
    name.split('/')[1],
    decay,
    trainable,
  ]);
  expect(marks).toEqual([
    ['kernel', true, true],
    ['bias', false, true],
    ['gamma', false, true],
    ['beta', false, true],
    ['movingMean', false, false],
    ['movingVariance', false, false],
  ]);
});
