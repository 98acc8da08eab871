import { describe, expect, test } from 'vitest';
import type { Handle } from '../../src/graph/dispatch.ts';
import { input } from '../../src/graph/trace.ts';
import { add, concatenate, layers } from '../../src/nn/layers.ts';
import { model } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, CLASSES, SAMPLE } from './networks.ts';
import { compareParity, runtime } from './parity.ts';

/**
 * The 19 layout transforms of TFMOT's default 8-bit scheme, in its order: what each is for holds here without one. Values that have
 * integers of their own, and the ops of the bundle, both without the head that every case ends in.
 */
const SEED = 19;

const conv = (rest: object = {}) => layers.conv2d({ filters: 4, kernelSize: 3, ...rest });
const norm = () => layers.batchNormalization({ momentum: 0.8 });
const { relu, relu6 } = layers;

const chain = (x: Handle, ...members: Module[]) =>
  members.reduce((value, member) => member.apply(value), x);
/** [9, 8, 3] as [8, 27]: a sequence. */
const sequence = (x: Handle) => layers.reshape({ targetShape: [8, 27] }).apply(x);
/** What stands between a convolution and its norm. */
const flat = () => layers.reshape({ targetShape: [42 * 4] });

const sides = (count: number) => (x: Handle) => {
  return concatenate(Array.from({ length: count }, () => conv().apply(x)));
};
const named = (op: string, count: number) =>
  Array.from({ length: count }, (_, i) => (i === 0 ? op : `${op}_${i}`));

interface Case {
  readonly transform: string;
  readonly body: (x: Handle) => Handle;
  /** Activations with a quantizer. */
  readonly quantized: readonly string[];
  /** Ops of the bundle. */
  readonly ops: readonly string[];
}

const cases: Case[] = [
  {
    transform: '1 InputLayerQuantize: the input has a quantizer',
    body: (x) => chain(x, layers.maxPool2d()),
    quantized: ['input'],
    ops: ['maxPool2d'],
  },
  {
    transform: '2 SeparableConv1D: depthwise and pointwise, each with integers of its own',
    body: (x) => chain(sequence(x), layers.separableConv1d({ filters: 4, kernelSize: 3 })),
    quantized: ['input', 'depthwiseConv2d', 'conv2d'],
    ops: ['reshape', 'reshape', 'depthwiseConv2d', 'conv2d', 'reshape'],
  },
  {
    transform: '3 SeparableConv2D: the same',
    body: (x) => chain(x, layers.separableConv2d({ filters: 4, kernelSize: 3 })),
    quantized: ['input', 'depthwiseConv2d', 'conv2d'],
    ops: ['depthwiseConv2d', 'conv2d'],
  },
  {
    transform: '4 Conv2D, Reshape, BatchNormalization, ReLU: integers after each that rounds',
    body: (x) => chain(x, conv(), flat(), norm(), relu()),
    quantized: ['input', 'conv2d', 'relu'],
    ops: ['conv2d', 'reshape', 'dense'],
  },
  {
    transform: '5 the same with Activation: relu6',
    body: (x) => chain(x, conv(), flat(), norm(), relu6()),
    quantized: ['input', 'conv2d', 'relu6'],
    ops: ['conv2d', 'reshape', 'dense'],
  },
  {
    transform: '6 Conv2D, BatchNormalization, ReLU: integers after all three',
    body: (x) => chain(x, conv(), norm(), relu()),
    quantized: ['input', 'relu'],
    ops: ['conv2d'],
  },
  {
    transform: '7 the same with Activation: relu6',
    body: (x) => chain(x, conv(), norm(), relu6()),
    quantized: ['input', 'relu6'],
    ops: ['conv2d'],
  },
  {
    transform: '8 Conv2D, Reshape, BatchNormalization',
    body: (x) => chain(x, conv(), flat(), norm()),
    quantized: ['input', 'conv2d', 'batchNormalization'],
    ops: ['conv2d', 'reshape', 'dense'],
  },
  {
    transform: '9 Conv2D, BatchNormalization, also with a bias',
    body: (x) => chain(x, conv({ useBias: true }), norm()),
    quantized: ['input', 'batchNormalization'],
    ops: ['conv2d'],
  },
  ...[6, 5, 4, 3, 2, 9].map((count, i) => ({
    transform: `${i < 5 ? i + 10 : 'any arity, where they end at 14:'} Concat of ${count}: one range`,
    body: sides(count),
    quantized: ['input', ...named('conv2d', count)],
    ops: [...Array<string>(count).fill('conv2d'), 'concat'],
  })),
  {
    transform: '15 Dense, BatchNormalization',
    body: (x) => chain(x, layers.flatten(), layers.dense({ units: 5 }), norm()),
    quantized: ['input', 'batchNormalization'],
    ops: ['flatten', 'dense'],
  },
  {
    transform: '16 Dense, BatchNormalization, ReLU',
    body: (x) => chain(x, layers.flatten(), layers.dense({ units: 5 }), norm(), relu()),
    quantized: ['input', 'relu'],
    ops: ['flatten', 'dense'],
  },
  {
    transform: '17 the same with Activation: relu6',
    body: (x) => chain(x, layers.flatten(), layers.dense({ units: 5 }), norm(), relu6()),
    quantized: ['input', 'relu6'],
    ops: ['flatten', 'dense'],
  },
  {
    transform: '18 Add, Conv2D, DepthwiseConv2D, Dense, each with ReLU',
    body: (x) => {
      const y = chain(x, conv(), relu());
      const sum = relu().apply(add(y, conv().apply(x)));
      return chain(sum, layers.depthwiseConv2d({ kernelSize: 3 }), relu(), layers.flatten());
    },
    quantized: ['input', 'relu', 'conv2d_1', 'relu_1', 'relu_2'],
    ops: ['conv2d', 'conv2d', 'add', 'depthwiseConv2d', 'flatten'],
  },
  {
    transform: '19 the same with Activation: relu6, and Dense',
    body: (x) => chain(x, layers.flatten(), layers.dense({ units: 5 }), relu6()),
    quantized: ['input', 'relu6'],
    ops: ['flatten', 'dense'],
  },
];

describe('TFMOT’s transforms', () => {
  test.each(cases)('$transform', async ({ body, quantized, ops }) => {
    const x = input(SAMPLE);
    const features = layers.flatten().apply(body(x));
    const outputs = layers.dense({ units: CLASSES }).apply(features);
    const net = quantizeModel(model({ inputs: x, outputs }, { seed: SEED }));
    const { values, quantizers, outputs: ends } = net.graph;
    const activations = [...quantizers].filter(([, { target }]) => target === 'activation');
    const names = activations.map(([id]) => values[id]!.name);
    expect(names.filter((name) => name !== values[ends[0]!]!.name)).toEqual(quantized);
    await fit(net, blobs(32, SEED), { optimizer: sgd({ learningRate: 0.02 }) });
    const { graph } = convert(net);
    const made = graph.nodes.map(({ op }) => op);
    expect(made.slice(0, ops.length)).toEqual(ops);
    expect(made.slice(ops.length).filter((op) => op !== 'reshape' && op !== 'flatten')).toEqual([
      'dense',
    ]);
    const { mismatching } = await compareParity(net, graph, blobs(20, SEED + 1), runtime());
    expect(mismatching).toBe(0);
  });

  test('there are nineteen', () => {
    const numbers = cases.map(({ transform }) => Number.parseInt(transform, 10));
    expect(numbers.filter((number) => number > 0)).toEqual(
      Array.from({ length: 19 }, (_, i) => i + 1),
    );
  });
});
