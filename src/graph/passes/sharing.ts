import type { Graph, ValueId } from '../graph.ts';
import { keepsIntegers, type Segment } from './segments.ts';

/**
 * For each value of integers the one that stands for all those with its quantizer: ops that keep integers put input and
 * output into one set, an embedding its table and output, a concat all its inputs.
 */
export function sharedQuantizers(
  graph: Graph,
  found: readonly Segment[],
): (id: ValueId) => ValueId {
  const parents = graph.values.map((_, id) => id);
  const root = (id: ValueId): ValueId => {
    let at = id;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  };
  for (const { kind, anchor, output } of found) {
    if (!keepsIntegers(kind)) continue;
    const table = kind === 'pick' ? 1 : 0;
    const kept = kind === 'join' ? anchor.inputs : anchor.inputs.slice(table, table + 1);
    for (const id of kept) parents[root(id)] = root(output);
  }
  return root;
}
