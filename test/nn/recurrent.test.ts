import { describe, expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { withTape } from '../autograd/eager.ts';

const { lstm, gru, bidirectional } = layers;

function shapeAfter(layer: Module, shape: readonly number[]): readonly number[] {
  const graph = sequential([layer]).build(shape);
  return graph.values[graph.outputs[0]!]!.shape.slice(1);
}

function parametersOf(layer: Module, shape: readonly number[], seed = 1) {
  const graph = sequential([layer], { seed }).build(shape);
  return new Map([...graph.parameters.values()].map((p) => [p.name.split('/').at(-1)!, p]));
}

describe('recurrent layers', () => {
  test('the last output, or all', () => {
    expect(shapeAfter(lstm({ units: 6 }), [5, 3])).toEqual([6]);
    expect(shapeAfter(gru({ units: 6, returnSequences: true }), [5, 3])).toEqual([5, 6]);
    expect(shapeAfter(bidirectional({ layer: lstm({ units: 6 }) }), [5, 3])).toEqual([12]);
    const sequences = gru({ units: 6, returnSequences: true });
    expect(shapeAfter(bidirectional({ layer: sequences }), [5, 3])).toEqual([5, 12]);
  });

  test.each([
    ['lstm', lstm, 4],
    ['gru', gru, 3],
  ] as const)('%s: the recurrent kernel has orthonormal columns', (_, make, gates) => {
    const { data, shape } = parametersOf(make({ units: 7 }), [5, 3]).get('recurrentKernel')!;
    expect(shape).toEqual([gates * 7, 7]);
    for (let a = 0; a < 7; a++) {
      for (let b = 0; b < 7; b++) {
        let dot = 0;
        for (let r = 0; r < gates * 7; r++) dot += data[r * 7 + a]! * data[r * 7 + b]!;
        // Each entry is rounded to f32: 2⁻²⁴ of a sum of squares of 1.
        expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(2 ** -22);
      }
    }
  });

  test('a wide matrix has orthonormal rows', () => {
    const made = lstm({ units: 1, kernelInitializer: 'orthogonal' });
    const { data } = parametersOf(made, [2, 9]).get('kernel')!;
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        let dot = 0;
        for (let c = 0; c < 9; c++) dot += data[a * 9 + c]! * data[b * 9 + c]!;
        expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(2 ** -22);
      }
    }
  });

  test('the bias of the forget gate starts as 1, where nothing else is said', () => {
    const bias = (layer: Module) => parametersOf(layer, [2, 3]).get('bias')!;
    expect([...bias(lstm({ units: 2 })).data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect([...bias(lstm({ units: 2, unitForgetBias: false })).data]).toEqual(Array(8).fill(0));
    const none = bias(lstm({ units: 2, useBias: false }));
    expect([...none.data, none.trainable]).toEqual([...Array(8).fill(0), false]);
    expect(bias(gru({ units: 2 })).shape).toEqual([2, 6]);
    expect([...bias(gru({ units: 2 })).data]).toEqual(Array(12).fill(0));
  });

  test('an LSTM whose weights are 0 but for g and o adds up its input', async () => {
    // i = f = sigmoid(100) = 1, o = sigmoid(100) = 1, g = tanh(x): h = tanh(Σ tanh(x)).
    const layer = lstm({ units: 1, returnSequences: true });
    const graph = sequential([layer]).build([3, 1]);
    const named = new Map([...graph.parameters.values()].map((p) => [p.name.split('/').at(-1), p]));
    named.get('kernel')!.data.set([0, 0, 1, 0]);
    named.get('recurrentKernel')!.data.fill(0);
    named.get('bias')!.data.set([100, 100, 0, 100]);
    const x = [0.1, -0.2, 0.4];
    const y = await withTape(graph, ({ tape, ref, read }) =>
      read(execute(tape, graph, [ref([1, 3, 1], x)])[0]!),
    );
    let sum = 0;
    x.forEach((value, t) => {
      sum += Math.tanh(value);
      expect(y[t]).toBeCloseTo(Math.tanh(sum), 6);
    });
  });

  test('the second direction is a layer of its own over the reversed input, in the order of the input', async () => {
    const graph = sequential([
      bidirectional({ layer: gru({ units: 2, returnSequences: true }) }),
    ]).build([3, 2]);
    const data = (name: string) =>
      [...graph.parameters.values()].find((p) => p.name.endsWith(name))!.data;
    // The same weights in both: the way back over x is the way there over the reversed x, reversed.
    for (const part of ['kernel', 'recurrentKernel', 'bias']) {
      data(`gru_1/${part}`).set(data(`gru/${part}`));
    }
    const run = (x: readonly number[]) =>
      withTape(graph, ({ tape, ref, read }) => read(execute(tape, graph, [ref([1, 3, 2], x)])[0]!));
    const y = await run([1, 2, 3, 4, 5, 6]);
    const z = await run([5, 6, 3, 4, 1, 2]);
    for (let t = 0; t < 3; t++) {
      expect(y.slice(4 * t + 2, 4 * t + 4)).toEqual(z.slice(4 * (2 - t), 4 * (2 - t) + 2));
    }
  });
});

test.each([
  [() => lstm({} as never), /^lstm: units must be an integer >= 1, got undefined$/],
  [
    () => gru({ units: 2, unitForgetBias: true } as never),
    /^gru: options are .*, got unitForgetBias$/,
  ],
  [
    () => gru({ units: 2, returnSequences: 1 as never }),
    /^gru: returnSequences must be true or false, got 1$/,
  ],
  [
    () => lstm({ units: 2, recurrentInitializer: 'normal' as never }),
    /^lstm: recurrentInitializer must be one of .*orthogonal.*, got "normal"$/,
  ],
  [
    () => sequential([lstm({ units: 2 })]).build([7]),
    /^lstm: the input must be \[N,T,C\], got \[N,7\]$/,
  ],
  [
    () => bidirectional({ layer: layers.relu() as never }),
    /^bidirectional: the layer must be an lstm or a gru, got /,
  ],
])('message %#', (make, message) => {
  expect(make).toThrow(message);
});
