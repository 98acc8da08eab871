import { describe, expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { Rng } from '../../src/core/rng.ts';
import { withoutDropout } from '../../src/graph/passes/withoutDropout.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { withTape } from '../autograd/eager.ts';

const SEED = 31;

function graphOf(members: readonly Module[], shape: readonly number[]) {
  return sequential(members, { seed: SEED }).build(shape);
}

function shapeAfter(layer: Module, shape: readonly number[]) {
  const graph = graphOf([layer], shape);
  return graph.values[graph.outputs[0]!]!.shape.slice(1);
}

/** What a layer makes of one sample, and its parameters in order. */
async function run(layer: Module, shape: readonly number[], x: readonly number[]) {
  const graph = graphOf([layer], shape);
  const y = await withTape(graph, ({ tape, ref, read }) =>
    read(execute(tape, graph, [ref([1, ...shape], x)])[0]!),
  );
  return { y, parameters: [...graph.parameters.values()].map(({ data }) => Array.from(data)) };
}

describe('shapes', () => {
  test.each([5, 6, 7, 8])('conv1d of %i steps', (steps) => {
    const extents = (
      padding: 'same' | 'valid' | 'causal' | number,
      strides: number,
      dilation = 1,
    ) =>
      shapeAfter(layers.conv1d({ filters: 4, kernelSize: 3, padding, strides, dilation }), [
        steps,
        2,
      ]);
    expect(extents('same', 1)).toEqual([steps, 4]);
    expect(extents('same', 2)).toEqual([Math.ceil(steps / 2), 4]);
    expect(extents('causal', 1, 2)).toEqual([steps, 4]);
    expect(extents('causal', 3)).toEqual([Math.ceil(steps / 3), 4]);
    expect(extents('valid', 1, 2)).toEqual([steps - 4, 4]);
    expect(extents(1, 1)).toEqual([steps, 4]);
  });

  test('the others', () => {
    expect(shapeAfter(layers.depthwiseConv1d({ kernelSize: 2 }), [5, 3])).toEqual([4, 3]);
    const separable = layers.separableConv1d({ filters: 7, kernelSize: 3, padding: [0, 1] });
    expect(shapeAfter(separable, [5, 3])).toEqual([4, 7]);
    expect(shapeAfter(layers.maxPool1d(), [7, 3])).toEqual([3, 3]);
    expect(shapeAfter(layers.averagePool1d({ padding: 'same' }), [7, 3])).toEqual([4, 3]);
    expect(shapeAfter(layers.globalMaxPool1d(), [7, 3])).toEqual([3]);
    expect(shapeAfter(layers.globalAveragePool1d({ keepDims: true }), [7, 3])).toEqual([1, 3]);
    expect(shapeAfter(layers.globalMaxPool2d(), [4, 5, 3])).toEqual([3]);
    expect(shapeAfter(layers.globalMaxPool2d({ keepDims: true }), [4, 5, 3])).toEqual([1, 1, 3]);
    expect(shapeAfter(layers.batchNormalization(), [7, 3])).toEqual([7, 3]);
  });
});

describe('values', () => {
  test.each([
    ['valid', 1, 1, 0],
    ['valid', 2, 2, 0],
    ['causal', 1, 2, 4],
    ['causal', 2, 1, 2],
    [[1, 3], 3, 1, 1],
  ] as const)('conv1d %s, strides %i, dilation %i', async (padding, strides, dilation, before) => {
    const [steps, channels, filters, taps] = [9, 3, 2, 3];
    const rng = new Rng(SEED);
    const x = Array.from({ length: steps * channels }, () => Math.fround(2 * rng.uniform() - 1));
    const options = { filters, kernelSize: taps, padding, strides, dilation };
    const { y, parameters } = await run(layers.conv1d(options), [steps, channels], x);
    const [kernel, bias] = parameters as [number[], number[]];
    y.forEach((value, at) => {
      const [t, f] = [Math.floor(at / filters), at % filters];
      let expected = bias[f]!;
      for (let tap = 0; tap < taps; tap++) {
        const from = t * strides + tap * dilation - before;
        for (let c = 0; c < channels; c++) {
          const inside = from >= 0 && from < steps;
          expected += inside
            ? x[from * channels + c]! * kernel[(f * taps + tap) * channels + c]!
            : 0;
        }
      }
      // Nine products of numbers below 1, each rounded twice: 18 · 2⁻²⁴ · 9.
      expect(Math.abs(value - expected)).toBeLessThan(18 * 9 * 2 ** -24);
    });
  });

  test('pools, movements', async () => {
    const x = [1, -2, 5, 3, 2, 8];
    const of = async (layer: Module, shape = [3, 2]) => (await run(layer, shape, x)).y;
    expect(await of(layers.globalMaxPool1d())).toEqual([5, 8]);
    expect(await of(layers.globalAveragePool1d())).toEqual([Math.fround(8 / 3), 3]);
    expect(await of(layers.maxPool1d({ strides: 1 }))).toEqual([5, 3, 5, 8]);
    expect(await of(layers.averagePool1d())).toEqual([3, 0.5]);
    expect(await of(layers.zeroPadding1d({ padding: [1, 0] }))).toEqual([0, 0, ...x]);
    expect(await of(layers.cropping1d({ cropping: [0, 2] }))).toEqual([1, -2]);
    expect(await of(layers.upSampling1d({ size: 2 }), [6, 1])).toEqual(x.flatMap((v) => [v, v]));
    expect(await of(layers.repeatVector({ n: 2 }), [6])).toEqual([...x, ...x]);
    expect(await of(layers.globalMaxPool2d(), [3, 1, 2])).toEqual([5, 8]);
  });
});

describe('the graph', () => {
  test('has no reshape between a convolution, its norm and its relu', () => {
    const conv = () => layers.conv1d({ filters: 2, kernelSize: 3 });
    const norm = () => layers.batchNormalization();
    const net = [conv(), norm(), layers.relu(), conv(), layers.relu6(), layers.globalMaxPool1d()];
    expect(graphOf(net, [9, 1]).nodes.map(({ op }) => op)).toEqual([
      'reshape',
      ...['conv2d', 'batchNormalization', 'relu'],
      ...['conv2d', 'relu6'],
      ...['maxPool2d', 'reshape'],
    ]);
  });

  test('without dropout is the one that never had any', () => {
    const drop = () => layers.dropout({ rate: 0.5 });
    const dense = () => layers.dense({ units: 2 });
    const graph = graphOf([drop(), dense(), drop(), drop(), layers.relu(), dense(), drop()], [3]);
    const plain = graphOf([dense(), layers.relu(), dense()], [3]);
    const { values, nodes, inputs, outputs, parameters } = withoutDropout(graph);
    expect({ values, nodes, inputs, outputs }).toEqual({
      values: plain.values,
      nodes: plain.nodes,
      inputs: plain.inputs,
      outputs: plain.outputs,
    });
    expect([...parameters.keys()]).toEqual([...plain.parameters.keys()]);
    expect(withoutDropout(plain)).toBe(plain);
  });
});

test.each([
  [
    () => layers.conv1d({ filters: 0, kernelSize: 1 }),
    'conv1d: filters must be an integer >= 1, got 0',
  ],
  [() => layers.depthwiseConv1d({ kernelSize: 0 }), 'kernelSize must be an integer >= 1, got 0'],
  [() => layers.maxPool1d({ padding: 'full' as never }), "maxPool1d: padding must be 'same'"],
  [() => layers.cropping1d({ cropping: -1 }), 'cropping1d: cropping must be an integer >= 0'],
  [() => layers.repeatVector({ n: 0 }), 'repeatVector: n must be an integer >= 1, got 0'],
  [() => layers.dropout({ rate: 1 }), 'dropout: rate must be a number in [0, 1), got 1'],
  [
    () => graphOf([layers.conv1d({ filters: 1, kernelSize: 1 })], [3]),
    'conv1d: x must be [N,T,C], got [',
  ],
  [() => graphOf([layers.globalMaxPool2d()], [3]), 'globalMaxPool2d: x must be [N,H,W,C], got ['],
  [() => graphOf([layers.repeatVector({ n: 2 })], [3, 1]), 'repeatVector: x must be [N,C], got ['],
])('refusal %#', (call, message) => {
  expect(call).toThrow(message);
});
