import { withBatch } from '../core/shape.ts';
import { type OpName, ops } from '../ops/table.ts';
import type { Graph, Node } from './graph.ts';

const product = (extents: readonly number[]) => extents.reduce((size, extent) => size * extent, 1);

/** Multiply-accumulates of one output element of each op with weights, from the shape of the weights. */
const TAPS: Partial<Record<OpName, (w: readonly number[]) => number>> = {
  conv2d: (w) => product(w.slice(1)),
  dense: (w) => product(w.slice(1)),
  depthwiseConv2d: (w) => product(w.slice(0, 2)),
};

/**
 * Multiply-accumulates of one sample in a node of a float or integer graph; 0 for ops without weights. As is usual, taps
 * that fall into the padding count.
 */
export function nodeMacs({ values }: Graph, { op, inputs, output }: Node): number {
  const taps = Object.hasOwn(ops, op) ? TAPS[op] : undefined;
  if (!taps) return 0;
  return product(withBatch(values[output]!.shape, 1)) * taps(values[inputs[1]!]!.shape);
}

/** Multiply-accumulates of one sample, all nodes together. */
export function countMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeMacs(graph, node), 0);
}
