import { describe, expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { input } from '../../src/graph/trace.ts';
import { concatenate, layers, multiply, subtract } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { withTape } from '../autograd/eager.ts';

/** Shape of one sample after a layer. */
function shapeAfter(layer: Module, shape: readonly number[]): readonly number[] {
  const graph = sequential([layer]).build(shape);
  return graph.values[graph.outputs[0]!]!.shape.slice(1);
}

/** What a layer makes of one sample. */
function run(layer: Module, shape: readonly number[], x: readonly number[]): Promise<number[]> {
  const graph = sequential([layer]).build(shape);
  return withTape(graph, ({ tape, ref, read }) => {
    const [y] = execute(tape, graph, [ref([1, ...shape], x)]);
    return read(y!);
  });
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

describe('layers that move elements', () => {
  test('padding and cropping: a number, one an axis, or two', () => {
    const { zeroPadding2d, cropping2d } = layers;
    expect(shapeAfter(zeroPadding2d(), [3, 4, 5])).toEqual([5, 6, 5]);
    expect(shapeAfter(zeroPadding2d({ padding: [1, 2] }), [3, 4, 5])).toEqual([5, 8, 5]);
    const uneven = [
      [0, 1],
      [2, 0],
    ] as const;
    expect(shapeAfter(zeroPadding2d({ padding: uneven }), [3, 4, 5])).toEqual([4, 6, 5]);
    expect(shapeAfter(cropping2d(), [3, 4, 5])).toEqual([3, 4, 5]);
    expect(shapeAfter(cropping2d({ cropping: uneven }), [3, 4, 5])).toEqual([2, 2, 5]);
    expect(shapeAfter(cropping2d({ cropping: 1 }), [3, 4, 5])).toEqual([1, 2, 5]);
  });

  test('reshape and permute', () => {
    expect(shapeAfter(layers.reshape({ targetShape: [6, 10] }), [3, 4, 5])).toEqual([6, 10]);
    expect(shapeAfter(layers.reshape({ targetShape: [2, -1, 3] }), [3, 4, 5])).toEqual([2, 10, 3]);
    expect(shapeAfter(layers.permute({ dims: [3, 1, 2] }), [3, 4, 5])).toEqual([5, 3, 4]);
  });

  test('up-sampling repeats pixels', async () => {
    expect(shapeAfter(layers.upSampling2d(), [3, 4, 5])).toEqual([6, 8, 5]);
    const sized = { size: [3, 2], interpolation: 'bilinear' } as const;
    expect(shapeAfter(layers.upSampling2d(sized), [3, 4, 5])).toEqual([9, 8, 5]);
    expect(await run(layers.upSampling2d({ size: [1, 3] }), [1, 2, 1], [7, 8])).toEqual([
      7, 7, 7, 8, 8, 8,
    ]);
  });

  test('a crop of a pad is the image', async () => {
    const pad = layers.zeroPadding2d({ padding: [2, 1] });
    const net = sequential([pad, layers.cropping2d({ cropping: [2, 1] })]);
    expect(await run(net, [2, 2, 1], [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
  });
});

describe('conv2dTranspose', () => {
  /** Extents of Keras: 'same' gives extent · stride, 'valid' extent · stride + max(kernel − stride, 0). */
  test.each([
    [3, 2],
    [2, 2],
    [1, 3],
    [5, 1],
    [4, 3],
  ])('kernel %i, strides %i', (kernelSize, strides) => {
    const shape = (padding: 'same' | 'valid') =>
      shapeAfter(layers.conv2dTranspose({ filters: 2, kernelSize, strides, padding }), [4, 5, 3]);
    expect(shape('same')).toEqual([4 * strides, 5 * strides, 2]);
    const more = Math.max(kernelSize - strides, 0);
    expect(shape('valid')).toEqual([4 * strides + more, 5 * strides + more, 2]);
  });
});

test('separableConv2d is a depthwise and a 1x1 convolution', () => {
  const options = { name: 'sep', filters: 7, kernelSize: 3, strides: 2, padding: 'same' } as const;
  const graph = sequential([layers.separableConv2d(options)]).build([5, 6, 4]);
  expect(graph.nodes.map(({ op, name }) => [op, name])).toEqual([
    ['depthwiseConv2d', 'sep/depthwise'],
    ['conv2d', 'sep'],
  ]);
  expect(graph.values[graph.outputs[0]!]!.shape.slice(1)).toEqual([3, 3, 7]);
  expect([...graph.parameters.values()].map(({ name, shape }) => [name, shape])).toEqual([
    ['sep/depthwise/depthwiseKernel', [3, 3, 4]],
    ['sep/pointwiseKernel', [7, 1, 1, 4]],
    ['sep/bias', [7]],
  ]);
});

describe('layers with several inputs', () => {
  test('concatenate along any axis but the batch', () => {
    const shape = (axis?: number) => {
      const x = input([2, 3, 4]);
      return concatenate([x, x, x], axis).shape;
    };
    expect(shape()).toEqual([-1, 2, 3, 12]);
    expect(shape(1)).toEqual([-1, 6, 3, 4]);
    expect(shape(-2)).toEqual([-1, 2, 9, 4]);
  });

  test('element by element, an axis of extent 1 going with any', () => {
    const x = input([2, 3, 4]);
    const gate = input([1, 1, 4]);
    const { minimum, maximum } = layers;
    for (const y of [multiply(x, gate), subtract(gate, x), minimum().merge(x, gate)]) {
      expect(y.shape).toEqual([-1, 2, 3, 4]);
    }
    expect(maximum({ name: 'm' }).merge(x, x).shape).toEqual([-1, 2, 3, 4]);
  });
});

test('activations', async () => {
  const x = [-2, -0.5, 0, 1, 4];
  const near = async (layer: Module, f: (x: number) => number) => {
    const y = await run(layer, [5], x);
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(f(x[i]!), 6);
    });
  };
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  await near(layers.leakyRelu(), (v) => (v < 0 ? 0.3 * v : v));
  await near(layers.leakyRelu({ negativeSlope: 0.1 }), (v) => (v < 0 ? 0.1 * v : v));
  await near(layers.elu({ alpha: 2 }), (v) => (v < 0 ? 2 * Math.expm1(v) : v));
  await near(layers.sigmoid(), sigmoid);
  await near(layers.tanh(), Math.tanh);
  await near(layers.swish(), (v) => v * sigmoid(v));
  await near(layers.hardSwish(), (v) => (v * Math.min(6, Math.max(0, v + 3))) / 6);
  const sum = x.reduce((total, v) => total + Math.exp(v), 0);
  await near(layers.softmax(), (v) => Math.exp(v) / sum);
  const length = Math.hypot(...x);
  await near(layers.unitNormalization(), (v) => v / length);
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
