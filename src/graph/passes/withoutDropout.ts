import type { Graph, ValueId } from '../graph.ts';

/** The graph as it is evaluated: readers of a dropout read its input. The same graph where there is none. */
export function withoutDropout(graph: Graph): Graph {
  const before = new Map<ValueId, ValueId>();
  for (const { op, inputs, output } of graph.nodes) {
    if (op === 'dropout') before.set(output, before.get(inputs[0]!) ?? inputs[0]!);
  }
  if (before.size === 0) return graph;
  const kept = graph.values.map((_, id) => id).filter((id) => !before.has(id));
  const ids = new Map(kept.map((id, i) => [id, i]));
  const idOf = (id: ValueId) => ids.get(before.get(id) ?? id)!;
  const renumbered = <T>(map: ReadonlyMap<ValueId, T>) =>
    new Map([...map].map(([id, entry]) => [idOf(id), entry]));
  return {
    ...graph,
    values: kept.map((id) => graph.values[id]!),
    nodes: graph.nodes
      .filter(({ op }) => op !== 'dropout')
      .map((node) => ({ ...node, inputs: node.inputs.map(idOf), output: idOf(node.output) })),
    inputs: graph.inputs.map(idOf),
    outputs: graph.outputs.map(idOf),
    parameters: renumbered(graph.parameters),
    quantizers: renumbered(graph.quantizers),
  };
}
