import { describe, expect, test } from 'vitest';
import { BATCH } from '../../src/core/shape.ts';
import type { Handle } from '../../src/graph/dispatch.ts';
import { type Graph, parametersOf } from '../../src/graph/graph.ts';
import { input, toGraph } from '../../src/graph/trace.ts';
import { checkStructure } from '../../src/graph/validate.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { model, residual, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';

const { conv2d, batchNormalization, relu, flatten, dense } = layers;

/** 'name shape' of values, 'name op(inputs) -> output' of nodes. */
function show(graph: Graph) {
  const name = (id: number) => graph.values[id]!.name;
  return {
    values: graph.values.map(({ name, shape }) => `${name} [${shape}]`),
    nodes: graph.nodes.map(
      ({ name: node, op, inputs, output }) =>
        `${node} ${op}(${inputs.map(name)}) -> ${name(output)}`,
    ),
    inputs: graph.inputs.map(name),
    outputs: graph.outputs.map(name),
    parameters: [...graph.parameters].map(([id, { name: own }]) => `${name(id)} ${own}`),
  };
}

/** Everything of a graph, its weights included, as plain data. */
function plain(graph: Graph) {
  return { ...graph, parameters: [...graph.parameters], quantizers: [...graph.quantizers] };
}

const conv = (filters = 2) => conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false });

const styles: Record<string, (seed: number) => Module> = {
  sequential: (seed) =>
    sequential([conv(), batchNormalization(), relu(), flatten(), dense({ units: 3 })], { seed }),
  functional: (seed) => {
    const x = input([4, 4, 1]);
    const features = relu().apply(batchNormalization().apply(conv().apply(x)));
    const outputs = dense({ units: 3 }).apply(flatten().apply(features));
    return model({ inputs: x, outputs }, { seed });
  },
  subclassed: (seed) => {
    class Tiny extends Module {
      readonly head = dense({ units: 3 });
      readonly features = [conv(), batchNormalization(), relu()];
      readonly flat = flatten();
      forward(x: Handle): Handle {
        const y = this.features.reduce((value, layer) => layer.apply(value), x);
        return this.head.apply(this.flat.apply(y));
      }
    }
    const net = new Tiny();
    net.seed = seed;
    return net;
  },
  nested: (seed) => {
    const x = input([4, 4, 1]);
    const body = model({
      inputs: x,
      outputs: relu().apply(batchNormalization().apply(conv().apply(x))),
    });
    return sequential([sequential([body]), sequential([flatten(), dense({ units: 3 })])], { seed });
  },
};

describe('toGraph', () => {
  test('gives the literal graph', () => {
    expect(show(styles.sequential!(0).build([4, 4, 1]))).toEqual({
      values: [
        `input [${BATCH},4,4,1]`,
        'conv2d/kernel [2,3,3,1]',
        `conv2d [${BATCH},4,4,2]`,
        'batchNormalization/gamma [2]',
        'batchNormalization/beta [2]',
        'batchNormalization/movingMean [2]',
        'batchNormalization/movingVariance [2]',
        `batchNormalization [${BATCH},4,4,2]`,
        `relu [${BATCH},4,4,2]`,
        `flatten [${BATCH},32]`,
        'dense/kernel [3,32]',
        'dense/bias [3]',
        `dense [${BATCH},3]`,
      ],
      nodes: [
        'conv2d conv2d(input,conv2d/kernel) -> conv2d',
        'batchNormalization batchNormalization(conv2d,batchNormalization/gamma,batchNormalization/beta,' +
          'batchNormalization/movingMean,batchNormalization/movingVariance) -> batchNormalization',
        'relu relu(batchNormalization) -> relu',
        'flatten flatten(relu) -> flatten',
        'dense dense(flatten,dense/kernel,dense/bias) -> dense',
      ],
      inputs: ['input'],
      outputs: ['dense'],
      parameters: [
        ...['conv2d/kernel', 'batchNormalization/gamma', 'batchNormalization/beta'],
        ...['batchNormalization/movingMean', 'batchNormalization/movingVariance'],
        ...['dense/kernel', 'dense/bias'],
      ].map((name) => `${name} ${name}`),
    });
  });

  test.each(['functional', 'subclassed', 'nested'])('%s code gives the same graph', (style) => {
    const expected = plain(styles.sequential!(7).build([4, 4, 1]));
    const graph = styles[style]!(7).build([4, 4, 1]);
    expect(plain(graph)).toEqual(expected);
    expect(() => checkStructure(graph)).not.toThrow();
  });

  test('attributes are written out in full', () => {
    const net = sequential([
      conv2d({ filters: 1, kernelSize: [3, 2], strides: 2, padding: 'same' }),
    ]);
    expect(net.build([5, 6, 1]).nodes[0]!.attrs).toEqual({
      strides: [2, 2],
      padding: [
        [1, 1],
        [0, 0],
      ],
      dilation: [1, 1],
    });
  });

  test('names are numbered as in Keras, and given names stay', () => {
    const net = sequential([relu(), relu({ name: 'middle' }), relu(), relu({ name: 'relu' })]);
    expect(net.build([3]).nodes.map(({ name }) => name)).toEqual([
      'relu',
      'middle',
      'relu_1',
      'relu_2',
    ]);
  });

  test('a layer named like the input gets another name', () => {
    const graph = sequential([relu({ name: 'input' })]).build([3]);
    expect(graph.values.map(({ name }) => name)).toEqual(['input', 'input_1']);
  });

  test('program order decides, not the order of the walk back', () => {
    const x = input([2]);
    const a = relu({ name: 'a' }).apply(x);
    const b = relu({ name: 'b' }).apply(x);
    const graph = model({ inputs: x, outputs: add(b, a) }).build();
    expect(graph.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'add']);
  });

  test('what the output does not need is left out', () => {
    const x = input([2]);
    dense({ units: 5 }).apply(x);
    const net = model({ inputs: x, outputs: relu().apply(x) });
    expect(show(net.build()).nodes).toEqual(['relu relu(input) -> relu']);
  });

  test('several inputs and outputs', () => {
    const [a, b] = [input([2]), input([2])];
    const sum = add(a, b);
    const graph = toGraph([a, b], [relu().apply(sum) as typeof a, sum as typeof a]);
    expect(show(graph)).toMatchObject({ inputs: ['input', 'input_1'], outputs: ['relu', 'add'] });
  });

  test('an input that is not listed is an error', () => {
    const [a, b] = [input([2]), input([2])];
    const outputs = add(a, b);
    expect(() => model({ inputs: a, outputs }).build()).toThrow(/^model: .*input.*, got /);
    expect(() => toGraph([a], [outputs as typeof a])).toThrow(/^model: .*listed, got \[N,2\]$/);
  });
});

describe('sharing', () => {
  test('a layer used twice has one set of parameters', () => {
    const shared = dense({ units: 4 });
    const graph = sequential([shared, relu(), shared]).build([4]);
    expect(show(graph).nodes).toEqual([
      'dense dense(input,dense/kernel,dense/bias) -> dense',
      'relu relu(dense) -> relu',
      'dense_1 dense(relu,dense/kernel,dense/bias) -> dense_1',
    ]);
    expect(parametersOf(graph)).toHaveLength(2);
  });

  test('a layer used on another channel count is an error that names the layer', () => {
    const shared = conv(2);
    expect(() => sequential([shared, shared]).build([4, 4, 1])).toThrow(
      /^conv2d: an input for which kernel is \[2,3,3,1\], as before, got \[2,3,3,2\]$/,
    );
  });

  test('a residual adds the body to its input', () => {
    const net = sequential([residual([dense({ units: 2, useBias: false }), relu()])]);
    expect(show(net.build([2])).nodes).toEqual([
      'dense dense(input,dense/kernel) -> dense',
      'relu relu(dense) -> relu',
      'add add(relu,input) -> add',
    ]);
  });

  test('a model used twice in another shares its parameters', () => {
    const block = sequential([dense({ units: 3 }), relu()]);
    const x = input([3]);
    const graph = model({ inputs: x, outputs: block.apply(block.apply(x)) }).build();
    expect(graph.nodes.map(({ name }) => name)).toEqual(['dense', 'relu', 'dense_1', 'relu_1']);
    expect(parametersOf(graph)).toHaveLength(2);
  });

  test('a trained layer in a second model keeps its weights, and names stay unique', () => {
    const kept = dense({ units: 3 });
    const first = sequential([kept]).build([3]);
    const weights = [...first.parameters.values()][0]!;
    const graph = sequential([dense({ units: 3 }), kept]).build([3]);
    expect([...graph.parameters.values()][2]).toBe(weights);
    expect(() => checkStructure(graph)).not.toThrow();
    expect(graph.values.map(({ name }) => name)).toEqual([
      ...['input', 'dense/kernel', 'dense/bias', 'dense'],
      ...['dense_1/kernel', 'dense_1/bias', 'dense_1'],
    ]);
  });

  test('a functional model refuses an input of another shape', () => {
    const x = input([4, 4, 1]);
    const inner = model({ inputs: x, outputs: conv().apply(x) });
    expect(() => inner.apply(input([5, 5, 1]))).toThrow(
      /^model: an input of shape \[N,4,4,1\], got \[N,5,5,1\]$/,
    );
  });
});

describe('seeds', () => {
  const weights = (seed: number) =>
    [...styles.sequential!(seed).build([4, 4, 1]).parameters.values()].map(({ data }) => data);

  test('the same one gives the same weights', () => {
    expect(weights(3)).toEqual(weights(3));
  });

  test('another one gives others, in every kernel', () => {
    const [a, b] = [weights(3), weights(4)];
    for (const i of [0, 5]) expect(a[i]).not.toEqual(b[i]);
  });

  test('two kernels of one shape start from different numbers', () => {
    const graph = sequential([dense({ units: 3 }), dense({ units: 3 })]).build([3]);
    const [first, , second] = [...graph.parameters.values()];
    expect(first!.data).not.toEqual(second!.data);
  });

  test('seed 1 of one parameter is not seed 0 of another', () => {
    const kernels = [0, 1, 2, 3].flatMap((seed) =>
      weights(seed)
        .filter((_, i) => i === 0 || i === 5)
        .map(({ 0: first }) => first),
    );
    expect(new Set(kernels).size).toBe(8);
  });
});
