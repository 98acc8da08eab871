import { BATCH } from '../../src/core/shape.ts';
import type { Graph, Parameter } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/ops/table.ts';

/** A graph from lines 'y = op x w …'; names that no line makes are parameters, `x` is the input. */
export function literalGraph(lines: readonly string[], outputs: readonly string[]): Graph {
  const names = ['x'];
  const id = (name: string) => {
    if (!names.includes(name)) names.push(name);
    return names.indexOf(name);
  };
  const nodes = lines.map((line) => {
    const [name, op, ...inputs] = line.replace('= ', '').split(' ') as [string, OpName];
    return { op, name, inputs: inputs.map(id), output: id(name), attrs: {} };
  });
  const made = new Set([0, ...nodes.map(({ output }) => output)]);
  const parameter = (name: string): Parameter => {
    return { name, shape: [1], trainable: true, decay: true, data: new Float32Array(1) };
  };
  const parameters = names.flatMap((name, i) =>
    made.has(i) ? [] : [[i, parameter(name)] as const],
  );
  return {
    name: 'literal',
    values: names.map((name) => ({ name, shape: [BATCH, 1], dtype: 'f32' })),
    nodes,
    inputs: [0],
    outputs: outputs.map(id),
    parameters: new Map(parameters),
    quantizers: new Map(),
  };
}
