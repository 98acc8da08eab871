import type { Graph, Node, Value, ValueId } from '../graph.ts';

/** The graph without the nodes and parameters that its outputs do not need. Inputs stay, read or not. */
export function compact(graph: Graph): Graph {
  const needed = new Set<ValueId>([...graph.inputs, ...graph.outputs]);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node.output)) continue;
    nodes.unshift(node);
    for (const id of node.inputs) needed.add(id);
  }
  const kept = [...graph.values.keys()].filter((id) => needed.has(id));
  if (kept.length === graph.values.length && nodes.length === graph.nodes.length) return graph;
  const renumbered = new Map(kept.map((id, position) => [id, position]));
  const at = (id: ValueId) => renumbered.get(id)!;
  const entries = <T>(map: ReadonlyMap<ValueId, T>) =>
    new Map([...map].filter(([id]) => needed.has(id)).map(([id, entry]) => [at(id), entry]));
  return {
    ...graph,
    values: kept.map((id): Value => graph.values[id]!),
    nodes: nodes.map((node) => ({ ...node, inputs: node.inputs.map(at), output: at(node.output) })),
    inputs: graph.inputs.map(at),
    outputs: graph.outputs.map(at),
    parameters: entries(graph.parameters),
    quantizers: entries(graph.quantizers),
  };
}
