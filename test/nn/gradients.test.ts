import { expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { Rng } from '../../src/core/rng.ts';
import { sampleSize, sizeOf, withBatch } from '../../src/core/shape.ts';
import type { Graph, Parameter, ValueId } from '../../src/graph/graph.ts';
import { withoutDropout } from '../../src/graph/passes/withoutDropout.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { withTape } from '../autograd/eager.ts';
import { reference, type Tensor64 } from '../ops/reference.ts';
import { networks, SAMPLE, unsettle } from '../quant/networks.ts';

const SEED = 211;
const BATCH = 2;

const pixels = () => layers.reshape({ targetShape: [-1, 3] });
const list = (members: readonly Module[]) => () => (seed: number) => sequential(members, { seed });

/** Layers that `networks` does not have, alone and one behind the other. */
const more: typeof networks = {
  'lstm over sequences, then its last state': list([
    pixels(),
    layers.lstm({ units: 5, returnSequences: true }),
    layers.batchNormalization(),
    layers.lstm({ units: 4, goBackwards: true }),
    layers.dense({ units: 3 }),
  ]),
  'gru both ways, layer normalization': list([
    pixels(),
    layers.bidirectional({ layer: layers.gru({ units: 4, returnSequences: true }) }),
    layers.layerNormalization(),
    layers.globalAveragePool1d(),
    layers.dense({ units: 3 }),
  ]),
  'attention, causal and not, between learned positions and a norm': list([
    pixels(),
    layers.dense({ units: 6 }),
    layers.positionEmbedding(),
    layers.multiHeadAttention({ heads: 2, keyDimension: 3, causal: true }),
    layers.layerNormalization(),
    layers.multiHeadAttention({ heads: 3, keyDimension: 2 }),
    layers.swish(),
    layers.globalAveragePool1d(),
    layers.softmax(),
  ]),
};

/** The graph in float64, node by node, by the equations of its ops; `data` in place of a parameter's own. */
function run64(graph: Graph, x: Float64Array, parameter?: Parameter, data?: Float64Array) {
  const values = new Map<ValueId, Tensor64>();
  const shapeOf = (id: ValueId) => withBatch(graph.values[id]!.shape, BATCH);
  for (const [id, own] of graph.parameters) {
    values.set(id, {
      shape: own.shape,
      data: own === parameter ? data! : Float64Array.from(own.data),
    });
  }
  values.set(graph.inputs[0]!, { shape: shapeOf(graph.inputs[0]!), data: x });
  for (const { op, inputs, output, attrs } of graph.nodes) {
    const shape = shapeOf(output);
    const tensors = inputs.map((id) => values.get(id)!);
    values.set(output, { shape, data: reference(op)(tensors, shape, attrs as never, true) });
  }
  return values.get(graph.outputs[0]!)!.data;
}

/** Outputs and gradients of the trained parameters on a tape, in training mode. */
function onTape(graph: Graph, x: Float32Array, dy: Float32Array) {
  return withTape(graph, ({ tape, ref, read, gradientOf }) => {
    const [y] = execute(tape, graph, [
      ref(withBatch(graph.values[graph.inputs[0]!]!.shape, BATCH), x),
    ]);
    const values = read(y!);
    tape.backward(y!, ref(y!.ref.shape, dy));
    const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
    return { values, gradients: trained.map((p) => [p, gradientOf(p)] as const) };
  });
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a));

test.each(Object.entries({ ...networks, ...more }))('%s', async (_name, make) => {
  const rng = new Rng(SEED);
  const draw = (length: number) =>
    Float32Array.from({ length }, () => Math.fround(2 * rng.uniform() - 1));
  const built = make()(SEED).build(SAMPLE);
  unsettle(built, SEED);
  // A channel of gamma 0 is constant: its maxima have a kink right there.
  for (const { name, data } of built.parameters.values()) {
    if (name.endsWith('/gamma')) data.set(data.map((gamma) => gamma || 0.5));
  }
  const graph = withoutDropout(built);
  const x = draw(BATCH * sizeOf(SAMPLE));
  const dy = draw(BATCH * sampleSize(graph.values[graph.outputs[0]!]!.shape));
  // Batch normalization moves its statistics, which are parameters that training mode does not read.
  const { values, gradients } = await onTape(graph, x, dy);
  const x64 = Float64Array.from(x);
  const want = run64(graph, x64);
  // Some ten ops whose sums have up to 700 terms; divisions by deviations make 100 · 2⁻²⁴ of the largest ten times as much.
  const size = Math.max(1, ...want.map(Math.abs));
  want.forEach((value, i) => {
    expect(Math.abs(values[i]! - value), `y[${i}] of seed ${SEED}`).toBeLessThan(6e-5 * size);
  });
  const largest = Math.max(...gradients.map(([, gradient]) => norm(gradient ?? [])));
  expect(largest).toBeGreaterThan(0);
  for (const [parameter, gradient] of gradients) {
    const direction = draw(parameter.data.length);
    const h = 1e-5;
    const loss = (step: number) => {
      const moved = Float64Array.from(parameter.data, (value, i) => value + step * direction[i]!);
      return dot(dy, run64(graph, x64, parameter, moved));
    };
    const slope = (loss(h) - loss(-h)) / (2 * h);
    const got = dot(gradient!, direction);
    // Relative to what is summed: the way back has twice the ops. A kink within h of a value adds h times its slope.
    const bound = 1e-3 * norm(gradient!) * norm(direction) + 1e-5 * largest * norm(direction);
    expect(Math.abs(got - slope), `${parameter.name} of seed ${SEED}`).toBeLessThan(bound);
  }
});
