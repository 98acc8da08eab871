import type { Graph, ValueId } from '../graph.ts';
import type { Segment } from './segments.ts';

/** The ends of a network, where rounding costs most: nothing before them, or nothing after, can make up for it. */
export interface Edges {
  /** Inputs and outputs of the graph, and what the first and last layers with weights read. */
  readonly activations: ReadonlySet<ValueId>;
  /** The weights of these layers. */
  readonly weights: ReadonlySet<ValueId>;
}

/**
 * A layer with weights is first if no other of them leads to it, and last if it leads to no other. Branches may have several
 * of each.
 */
export function edgesOf(graph: Graph, found: readonly Segment[]): Edges {
  const layers = found.filter(({ kind }) => kind === 'linear' || kind === 'recurrent');
  const later = behind(graph, found, layers);
  const earlier = before(graph, found, layers);
  const edges = layers.filter(({ anchor, output }) => {
    return !later.has(anchor.inputs[0]!) || !earlier.has(output);
  });
  const weights = edges.flatMap(({ anchor }) => anchor.inputs.slice(1));
  const read = edges.map(({ anchor }) => anchor.inputs[0]!);
  return {
    activations: new Set([...graph.inputs, ...graph.outputs, ...read]),
    weights: new Set(weights),
  };
}

/** The values that some of `layers` lead to. */
function behind(graph: Graph, found: readonly Segment[], layers: readonly Segment[]): Set<ValueId> {
  const made = new Set<ValueId>();
  const outputs = new Set(layers.map(({ output }) => output));
  for (const { anchor, output } of found) {
    const follows = anchor.inputs.some((id) => !graph.parameters.has(id) && made.has(id));
    if (follows || outputs.has(output)) made.add(output);
  }
  return made;
}

/** The values that lead to some of `layers`. */
function before(graph: Graph, found: readonly Segment[], layers: readonly Segment[]): Set<ValueId> {
  const wanted = new Set<ValueId>();
  const anchors = new Set(layers.map(({ anchor }) => anchor));
  for (const { anchor, output } of [...found].reverse()) {
    if (!anchors.has(anchor) && !wanted.has(output)) continue;
    for (const id of anchor.inputs) if (!graph.parameters.has(id)) wanted.add(id);
  }
  return wanted;
}
