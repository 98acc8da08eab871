import { describe, expect, test } from 'vitest';
import type { Graph, ValueId } from '../../src/graph/graph.ts';
import { verify } from '../../src/runtime/verify.ts';
import { bundleOf, goldenOf } from './bundles.ts';
import { smallNetwork } from './intGraph.ts';

const graph = smallNetwork();
const golden = goldenOf(graph);

/** The graph with entry `at` of constant number `index` of its first convolution changed. */
function withConstant(index: number, at: number, change: (old: number) => number): Graph {
  const id = graph.nodes[0]!.inputs[1 + index]!;
  const parameter = graph.parameters.get(id)!;
  const data = parameter.data.slice();
  data[at] = change(data[at]!);
  return { ...graph, parameters: new Map(graph.parameters).set(id, { ...parameter, data }) };
}

function withZeroPoint(id: ValueId, zeroPoint: number): Graph {
  const values = graph.values.map((value, i) =>
    i === id ? { ...value, qparams: { ...value.qparams!, zeroPoint } } : value,
  );
  return { ...graph, values };
}

describe('verify', () => {
  test('finds 0 mismatches, against golden vectors and in every layer', async () => {
    const report = await verify(bundleOf(graph, golden), { reference: true });
    expect(report).toMatchObject({ vectors: 2, compared: 15, mismatching: 0, mismatches: [] });
    expect(report.reference).toMatchObject({ mismatching: 0, mismatches: [] });
    expect(report.reference!.compared).toBeGreaterThan(5000);
  });

  test('leaves the interpreter out unless asked', async () => {
    expect(await verify(bundleOf(graph, golden))).not.toHaveProperty('reference');
  });

  const convInput = graph.nodes[0]!.inputs[0]!;
  test.each<[string, Graph]>([
    ['one weight', withConstant(0, 0, (w) => (w > 0 ? -127 : 127))],
    ['one M', withConstant(1, 2, (m) => 2 * m)],
    ['one B', withConstant(2, 1, (b) => b - 40)],
    ['one bias', withConstant(3, 1, (b) => b + 30000)],
    ['the zero point of the input', withZeroPoint(convInput, -100)],
    ['the zero point of the last output', withZeroPoint(graph.outputs[0]!, 70)],
  ])('reports a change of %s', async (_, changed) => {
    const report = await verify(bundleOf(changed, golden), { reference: true });
    expect(report.mismatching).toBeGreaterThan(0);
    const first = report.mismatches[0]!;
    expect(first.value).toBe(graph.values[graph.outputs[0]!]!.name);
    expect(first.got).not.toBe(first.expected);
    const at = first.sample * 5 + first.index;
    expect(golden[first.vector]!.outputs[0]![at]).toBe(first.expected);
    // The bundle still agrees with itself: runtime and interpreter read the same changed graph.
    expect(report.reference!.mismatching).toBe(0);
  });

  test('lists the first hundred mismatches and counts them all', async () => {
    const wrong = golden.map((v) => ({ ...v, outputs: v.outputs.map((y) => y.map((q) => ~q)) }));
    const many = Array.from({ length: 20 }, () => wrong).flat();
    const report = await verify(bundleOf(graph, many));
    expect(report).toMatchObject({ vectors: 40, compared: 300, mismatching: 300 });
    expect(report.mismatches).toHaveLength(100);
  });

  test('says which option it does not know', async () => {
    const options = { refrence: true } as object;
    await expect(verify(bundleOf(graph, golden), options)).rejects.toThrow(
      'verify: options are wasm, reference, got refrence',
    );
  });
});
