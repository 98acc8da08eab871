import { expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { withTape } from '../autograd/eager.ts';

const SEED = 17;
const [STEPS, FEATURES, HEADS, KEY] = [4, 5, 2, 3];

type Matrix = number[][];

const times = (a: Matrix, b: Matrix) =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * b[k]![j]!, 0)));
const transposed = (a: Matrix) => a[0]!.map((_, j) => a.map((row) => row[j]!));
const rowsOf = (data: ArrayLike<number>, width: number): Matrix =>
  Array.from({ length: data.length / width }, (_, i) =>
    Array.from(data).slice(i * width, i * width + width),
  );

/** Multi-head attention of one sequence in float64, from its formula; parameters by the last part of their names. */
function attention(x: Matrix, p: Readonly<Record<string, ArrayLike<number>>>, causal: boolean) {
  const affine = (of: Matrix, part: string) =>
    times(of, transposed(rowsOf(p[`${part}Kernel`]!, of[0]!.length))).map((row) =>
      row.map((value, i) => value + p[`${part}Bias`]![i]!),
    );
  const head = (part: string, h: number) =>
    affine(x, part).map((row) => row.slice(h * KEY, h * KEY + KEY));
  const mixed = Array.from({ length: HEADS }, (_, h) => {
    const scores = times(head('query', h), transposed(head('key', h)));
    const weights = scores.map((row, t) => {
      const powers = row.map((s, j) => (causal && j > t ? 0 : Math.exp(s / Math.sqrt(KEY))));
      return powers.map((power) => power / powers.reduce((a, b) => a + b));
    });
    return times(weights, head('value', h));
  });
  return affine(
    x.map((_, t) => mixed.flatMap((one) => one[t]!)),
    'output',
  ).flat();
}

function parametersOf(graph: Graph): Record<string, Float64Array> {
  const named = [...graph.parameters.values()].map(
    ({ name, data }) => [name.split('/').at(-1)!, Float64Array.from(data)] as const,
  );
  return Object.fromEntries(named);
}

test.each([false, true])('multiHeadAttention is its formula, causal %s', async (causal) => {
  const rng = new Rng(SEED);
  const draw = (length: number) => Float32Array.from({ length }, () => 2 * rng.uniform() - 1);
  const layer = layers.multiHeadAttention({ heads: HEADS, keyDimension: KEY, causal });
  const graph = sequential([layer], { seed: SEED }).build([STEPS, FEATURES]);
  for (const { name, data } of graph.parameters.values()) {
    if (name.endsWith('Bias')) (data as Float32Array).set(draw(data.length));
  }
  const [x, dy] = [draw(STEPS * FEATURES), draw(STEPS * FEATURES)];
  const { y, gradients } = await withTape(graph, ({ tape, ref, read, gradientOf }) => {
    const [output] = execute(tape, graph, [ref([1, STEPS, FEATURES], x)]);
    const values = read(output!);
    tape.backward(output!, ref([1, STEPS, FEATURES], dy));
    const found = [...graph.parameters.values()].map((p) => [p.name, gradientOf(p)!] as const);
    return { y: values, gradients: new Map(found) };
  });
  const parameters = parametersOf(graph);
  const rows = rowsOf(x, FEATURES);
  // Sums of up to six terms below 4, rounded at each of five stages: below 100·2⁻²⁴·4.
  attention(rows, parameters, causal).forEach((value, i) => {
    expect(Math.abs(y[i]! - value)).toBeLessThan(2.4e-5);
  });
  const loss = () =>
    attention(rows, parameters, causal).reduce((sum, value, i) => sum + value * dy[i]!, 0);
  for (const [name, gradient] of gradients) {
    const data = parameters[name.split('/').at(-1)!]!;
    gradient.forEach((got, i) => {
      const [h, value] = [1e-4, data[i]!];
      data[i] = value + h;
      const above = loss();
      data[i] = value - h;
      const want = (above - loss()) / (2 * h);
      data[i] = value;
      // A gradient sums 20 times what a value does; h² times a third derivative is below 1e-6.
      expect(Math.abs(got - want), `${name}[${i}]`).toBeLessThan(20 * 2.4e-5);
    });
  }
});

test('attention to another sequence has the steps of the query and its own number of units', () => {
  const [query, value] = [input([3, 8]), input([7, 5])];
  const layer = layers.multiHeadAttention({ heads: 4, keyDimension: 2, units: 6 });
  expect(layer.attend(query, value).shape).toEqual([-1, 3, 6]);
  const wide = layers.multiHeadAttention({ heads: 4, keyDimension: 2, valueDimension: 9 });
  expect(wide.attend(query, value, input([7, 2])).shape).toEqual([-1, 3, 8]);
});

test('positionEmbedding adds a vector that depends on the position', async () => {
  const layer = layers.positionEmbedding({ embeddingsInitializer: 'ones' });
  const graph = sequential([layer]).build([2, 3]);
  const [table] = [...graph.parameters.values()];
  (table!.data as Float32Array).set([1, 2, 3, 4, 5, 6]);
  const y = await withTape(graph, ({ tape, ref, read }) => {
    const [output] = execute(tape, graph, [
      ref([2, 2, 3], [...new Array(6).fill(0), ...new Array(6).fill(10)]),
    ]);
    return read(output!);
  });
  expect(y).toEqual([1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]);
});

test.each<[() => unknown, RegExp]>([
  [
    () => layers.multiHeadAttention({ heads: 0, keyDimension: 2 }),
    /^multiHeadAttention: heads must be an integer >= 1, got 0$/,
  ],
  [
    () => layers.multiHeadAttention({ heads: 1, keyDimension: 2, causal: 'yes' as never }),
    /^multiHeadAttention: causal must be true or false, got "yes"$/,
  ],
  [
    () => layers.multiHeadAttention({ heads: 1, keyDimension: 2 }).apply(input([4])),
    /^multiHeadAttention: the inputs must be \[N,T,C\], got \[N,4\]$/,
  ],
  [
    () =>
      layers
        .multiHeadAttention({ heads: 1, keyDimension: 2, causal: true })
        .attend(input([4, 2]), input([3, 2])),
    /^attentionSoftmax: with a causal mask there must be a key for each query, got \[N,1,4,3\]$/,
  ],
  [
    () =>
      layers
        .multiHeadAttention({ heads: 1, keyDimension: 2 })
        .attend(input([4, 2]), input([3, 2]), input([5, 2])),
    /^matmul: the rows of the first operand must have 3 elements, got \[N,1,4,5\] and \[N,1,3,2\]$/,
  ],
  [
    () => layers.positionEmbedding().apply(input([4])),
    /^positionEmbedding: the input must be \[N,T,C\], got \[N,4\]$/,
  ],
  [
    () => layers.positionEmbedding({ embeddingsInitializer: 'he' as never }),
    /^positionEmbedding: embeddingsInitializer must be one of zeros/,
  ],
  [
    () => layers.layerNormalization({ epsilon: 0 }),
    /^layerNormalization: epsilon must be a finite number > 0, got 0$/,
  ],
])('wrong options and inputs: %#', (make, message) => {
  expect(make).toThrow(message);
});
