import { describe, expect, test } from 'vitest';
import type { TypedArray } from '../../src/core/dtype.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { moduleOf } from '../helpers/memory.ts';
import { compareLayers } from './equality.ts';
import { IntGraph, randomInputs } from './intGraph.ts';

const SEED = 24;

type Op = 'lstm' | 'gru';

function graphOf(op: Op, returnSequences = true, units = 6): Graph {
  const b = new IntGraph(SEED);
  const attrs = { units, returnSequences, goBackwards: false };
  const y = { zeroPoint: -3, scale: [Math.fround(1 / 128)] };
  return b.build([b.recurrent(op, b.input([7, 5]), attrs, y)]);
}

/** A copy whose constant number `which` of the only node is another. */
function edited(graph: Graph, which: number, edit: (data: TypedArray) => void): Graph {
  const id = graph.nodes[0]!.inputs[which]!;
  const old = graph.parameters.get(id)!;
  const data = old.data.slice();
  edit(data);
  return { ...graph, parameters: new Map([...graph.parameters, [id, { ...old, data }]]) };
}

describe.each(['lstm', 'gru'] as const)('%s', (op) => {
  test.each([1, 2, 4, 9])('a batch of %i is as many batches of one', (batch) => {
    const graph = graphOf(op);
    const [x] = randomInputs(graph, batch, new Rng(SEED));
    const together = interpret(graph, x!, batch).get(`${op}_0`)!;
    for (let n = 0; n < batch; n++) {
      const alone = interpret(graph, x!.slice(n * 35, (n + 1) * 35)).get(`${op}_0`)!;
      expect(alone).toEqual(together.slice(n * 42, (n + 1) * 42));
    }
    expect(compareLayers(graph, batch, SEED)).toBeGreaterThan(0);
  });

  test('a plan that runs twice begins from zeros twice', () => {
    const graph = graphOf(op, false);
    const plan = makePlan(graph, moduleOf('infer'), { batch: 1 });
    const [x] = randomInputs(graph, 1, new Rng(SEED)) as [Int8Array];
    const want = interpret(graph, x).get(`${op}_0`)!;
    const { ptr } = plan.activations.get(graph.inputs[0]!)!;
    const out = plan.activations.get(graph.outputs[0]!)!;
    const kernels = plan.kernels as unknown as Record<string, (...args: number[]) => void>;
    for (let run = 0; run < 2; run++) {
      new Int8Array(plan.memory.buffer, ptr, x.length).set(x);
      for (const { kernel, parts } of plan.nodes.flat()) {
        for (const part of parts) kernels[kernel]!(...part);
      }
      expect(new Int8Array(plan.memory.buffer, out.ptr, out.size).slice()).toEqual(want);
    }
  });

  test('each constant matters', () => {
    const graph = graphOf(op);
    const [x] = randomInputs(graph, 1, new Rng(SEED));
    const y = (other: Graph) => interpret(other, x!).get(`${op}_0`)!;
    for (const which of [1, 2, 3, 4]) {
      const other = edited(graph, which, (data) => void data.reverse());
      expect(y(other), `constant ${which}`).not.toEqual(y(graph));
    }
  });

  test.each<[string, number, (data: TypedArray) => void, RegExp]>([
    [
      'an entry above 1',
      4,
      (data) => void data.fill(1.5, 3, 4),
      /: the table must lie in \[0, 1\], got 1.5$/,
    ],
    [
      'a factor that is no number',
      3,
      (data) => void data.fill(NaN, 1, 2),
      /: every entry must be finite and at most 2\^96, got NaN$/,
    ],
  ])('refuses %s', (_, which, edit, message) => {
    expect(() => validateGraph(edited(graphOf(op), which, edit))).toThrow(message);
  });

  test('refuses weights with a zero point, and factors of another shape', () => {
    const graph = graphOf(op);
    const [, kernel, , factors] = graph.nodes[0]!.inputs as [number, number, number, number];
    const changed = (id: number, change: object): Graph => {
      const values = graph.values.map((value, i) => (i === id ? { ...value, ...change } : value));
      const parameter = { ...graph.parameters.get(id)!, ...change };
      return { ...graph, values, parameters: new Map([...graph.parameters, [id, parameter]]) };
    };
    const { scale: _scale, axis: _axis, ...range } = graph.values[kernel]!.qparams!;
    const qparams = { ...range, scale: [0.5], zeroPoint: 2 };
    expect(() => validateGraph(changed(kernel, { qparams }))).toThrow(
      /: kernel: the zero point must be 0, got 2$/,
    );
    const shape = [graph.values[factors]!.shape[1]!, 4];
    expect(() => validateGraph(changed(factors, { shape }))).toThrow(
      /: factors: the shape must be \[4,\d+\], got \[\d+,4\]$/,
    );
  });
});
