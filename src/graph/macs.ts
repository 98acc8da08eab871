import { type Shape, sizeOf, withBatch } from '../core/shape.ts';
import { type OpName, ops } from '../ops/table.ts';
import type { Graph, Node } from './graph.ts';

interface Work {
  /** Multiply-accumulates of one element, from the shape of the weights or of an operand. */
  readonly taps: (w: Shape) => number;
  /** Of which of the node's values that is an element, or of the time steps of its input. */
  readonly of: 'input' | 'output' | 'steps';
  /** Which input has that shape; 1 if not given. */
  readonly operand?: number;
}

/** Both kernels meet each time step: G·H rows of C, and of a recurrent H. */
const recurrent = (gates: number): Work => ({
  taps: ([rows, features]) => rows! * (features! + rows! / gates),
  of: 'steps',
});

/** Ops with weights, and the product of two tensors, of which the first says how many terms a sum has. */
const WORK: Partial<Record<OpName, Work>> = {
  conv2d: { taps: (w) => sizeOf(w.slice(1)), of: 'output' },
  dense: { taps: (w) => sizeOf(w.slice(1)), of: 'output' },
  gru: recurrent(3),
  lstm: recurrent(4),
  matmul: { taps: (a) => a.at(-1)!, of: 'output', operand: 0 },
  depthwiseConv2d: { taps: (w) => sizeOf(w.slice(0, 2)), of: 'output' },
  transposedConv2d: { taps: (w) => sizeOf(w.slice(0, 3)), of: 'input' },
};

/**
 * Multiply-accumulates of one sample in a node of a float or integer graph; 0 for ops that are no products. As is usual, taps
 * that fall into the padding count.
 */
export function nodeMacs({ values }: Graph, { op, inputs, output }: Node): number {
  const work = Object.hasOwn(ops, op) ? WORK[op] : undefined;
  if (!work) return 0;
  const { shape } = values[work.of === 'output' ? output : inputs[0]!]!;
  const counted = work.of === 'steps' ? shape.slice(0, 2) : shape;
  return sizeOf(withBatch(counted, 1)) * work.taps(values[inputs[work.operand ?? 1]!]!.shape);
}

/** Multiply-accumulates of one sample, all nodes together. */
export function countMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeMacs(graph, node), 0);
}
