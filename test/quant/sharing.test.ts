import { describe, expect, test } from 'vitest';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Handle } from '../../src/graph/dispatch.ts';
import type { Graph, QuantizerSpec } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { concatenate, layers } from '../../src/nn/layers.ts';
import { model } from '../../src/nn/models.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import type { MethodName } from '../../src/quant/methods.ts';
import { prepare } from '../../src/quant/prepare.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { resolveScheme } from '../../src/quant/scheme.ts';
import { fit } from '../../src/train/fit.ts';

type Own = NonNullable<QuantizerSpec['own']>;

const { dense, relu, relu6, sigmoid, softmax } = layers;

function graphOf(build: (x: Handle) => Handle): Graph {
  const x = input([2]);
  return model({ inputs: x, outputs: build(x) }).build();
}

/** Groups of values with one scale, by name, and the zero point that is fixed for them. */
function groups(graph: Graph): string[] {
  const found = new Map<unknown, string[]>();
  for (const [id, { target, scale, fixedZeroPoint }] of graph.quantizers) {
    if (target === 'weight') continue;
    const fixed = fixedZeroPoint === undefined ? '' : `=${fixedZeroPoint}`;
    found.set(scale, [...(found.get(scale) ?? []), `${graph.values[id]!.name}${fixed}`]);
  }
  return [...found.values()].map((names) => names.join(' '));
}

const named = (name: string, x: Handle) => dense({ name, units: 3 }).apply(x);

/** What stands on the right share one range. */
const cases: [string, (x: Handle) => Handle, string[]][] = [
  ['without a concat each has its own', (x) => relu().apply(named('a', x)), ['input', 'relu=-128']],
  ['both sides of a concat', (x) => concatenate([named('a', x), named('b', x)]), ['input', 'a b']],
  [
    'the zero point is fixed where all end in a relu',
    (x) => concatenate([relu().apply(named('a', x)), relu6().apply(named('b', x))]),
    ['input', 'relu=-128 relu6=-128'],
  ],
  [
    'and not where one does not',
    (x) => concatenate([relu().apply(named('a', x)), named('b', x)]),
    ['input', 'relu b'],
  ],
  [
    'the input too, through ops that keep integers',
    (x) => concatenate([layers.reshape({ targetShape: [2] }).apply(x), named('b', x)]),
    ['input b'],
  ],
  [
    'concats of concats, and concats with a member in common',
    (x) => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => named(name, x)) as [Handle, Handle, Handle];
      const first = concatenate([a, b]);
      return concatenate([named('d', concatenate([b, c])), first, a]);
    },
    ['input', 'a b c d'],
  ],
  [
    'softmax keeps its own parameters',
    (x) => softmax().apply(named('a', x)),
    ['input', 'a', 'softmax=-128'],
  ],
  [
    'unless it is put beside something',
    (x) => concatenate([softmax().apply(named('a', x)), named('b', x)]),
    ['input', 'a', 'softmax b'],
  ],
];

test.each(cases)('%s', (_, build, expected) => {
  for (const method of ['lsq', 'movingAverage'] as const) {
    const graph = graphOf(build);
    expect(groups(prepare(graph, resolveScheme('test', { method }))).sort(), method).toEqual(
      expected.sort(),
    );
  }
});

/** Two layers of one input beside each other: a is twice x, b ten times. */
function twoLayers(method: MethodName): { model: QuantizedModel; specs: QuantizerSpec[] } {
  const graph = graphOf((x) => concatenate([named('a', x), sigmoid().apply(named('b', x))]));
  const model = quantizeModel(graph, { method });
  const names = ['a', 'sigmoid'];
  const specs = names.map((name) => {
    const id = model.graph.values.findIndex((value) => value.name === name);
    return model.graph.quantizers.get(id)!;
  });
  for (const { name, data } of graph.parameters.values()) {
    if (name.endsWith('kernel')) data.fill(name.startsWith('a') ? -2 : 10);
  }
  return { model, specs };
}

const data = fromArrays({
  x: Float32Array.from([1, 0.5, -0.25, 0, 0.75, 1, 0.125, 0.5]),
  y: [0, 1, 2, 3],
  shape: [2],
  classes: 6,
  batchSize: 4,
  shuffle: false,
});

describe('one range over what both hold', () => {
  test.each(['lsq', 'movingAverage'] as const)('%s: after calibration', async (method) => {
    const { model, specs } = twoLayers(method);
    await model.calibrate(data);
    const [a, b] = specs as [QuantizerSpec, QuantizerSpec];
    expect(a.scale).toBe(b.scale);
    expect(a.zeroPoint).toBe(b.zeroPoint);
    const scale = a.scale.data[0]!;
    const zeroPoint = Math.round(a.zeroPoint!.data[0]!);
    // a lies in [−3.5, 0.5], sigmoid(b) in [0.08, 1].
    const width = method === 'lsq' ? 0.2 : 0.02;
    expect(scale * (-128 - zeroPoint)).toBeGreaterThan(-3.5 - width);
    expect(scale * (-128 - zeroPoint)).toBeLessThan(-3.5 + width);
    expect(scale * (127 - zeroPoint)).toBeGreaterThan(1 - width);
    expect(scale * (127 - zeroPoint)).toBeLessThan(1 + width);
  });

  test('the states of a moving average are apart and hold the bounds of each', async () => {
    const { model, specs } = twoLayers('movingAverage');
    await model.calibrate(data);
    const [a, b] = specs.map(({ state }) => Array.from(state!.data, (value) => value * 100));
    expect(a![0]).toBeCloseTo(-3.5, 4);
    expect(a![1]).toBeCloseTo(0.5, 4);
    expect(b![0]).toBeCloseTo(0, 4);
    expect(b![1]).toBeCloseTo(1, 4);
    expect(specs[0]!.states).toEqual(specs.map(({ state }) => state));
  });

  test.each(['lsq', 'movingAverage'] as const)('%s: while training', async (method) => {
    const { model, specs } = twoLayers(method);
    await model.calibrate(data);
    const before = specs[0]!.scale.data[0]!;
    await fit(model, data, { epochs: 4, optimizer: sgd({ learningRate: 0.05 }) });
    expect(specs[0]!.scale).toBe(specs[1]!.scale);
    expect(specs[0]!.scale.data[0]).not.toBe(before);
  });

  test('tqt: the size of its gradient is counted for each, once a step', async () => {
    const { model, specs } = twoLayers('tqt');
    await fit(model, data, { epochs: 4, optimizer: sgd({ learningRate: 0.01 }) });
    const [a, b] = specs.map(({ own }) => own!) as [Own, Own];
    expect(a.log2Threshold).toBe(b.log2Threshold);
    for (const { weight } of [a, b]) expect(weight!.data[0]).toBeCloseTo(1 - 0.999 ** 4, 6);
    expect(a.squares!.data[0]).not.toBe(b.squares!.data[0]);
  });
});
