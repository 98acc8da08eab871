import type { IntRule } from '../core/op.ts';
import type { QParams } from '../core/qparams.ts';
import { type Shape, sizeOf, withBatch } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import type { Block } from './arena.ts';
import { type IntOpName, intRules } from './rules.ts';

/** An int8 tensor of the plan, before it has an address. */
export interface Activation {
  readonly name: string;
  /** With the batch size filled in. */
  readonly shape: Shape;
  readonly size: number;
  readonly qparams: QParams;
  /** The value whose bytes it has: itself, or the input of the `flatten` that made it. */
  readonly root: ValueId;
}

export function ruleOf({ op }: Node): IntRule {
  return intRules[op as IntOpName] as IntRule;
}

/** The inputs and node outputs of a valid integer graph, in the order in which they come to be. */
export function activationsOf(graph: Graph, batch: number): Map<ValueId, Activation> {
  const activations = new Map<ValueId, Activation>();
  const add = (id: ValueId, root: ValueId) => {
    const { name, shape: open, qparams } = graph.values[id]!;
    const shape = withBatch(open, batch);
    activations.set(id, { name, shape, size: sizeOf(shape), qparams: qparams!, root });
  };
  for (const id of graph.inputs) add(id, id);
  for (const node of graph.nodes) {
    const source = ruleOf(node).alias ? activations.get(node.inputs[0]!) : undefined;
    add(node.output, source?.root ?? node.output);
  }
  return activations;
}

/**
 * How long the bytes of each root last. Time 0 converts the inputs, node i runs at time i + 1, and outputs last to the
 * end, since the caller reads them after the last step.
 */
export function lifetimes(
  graph: Graph,
  activations: ReadonlyMap<ValueId, Activation>,
): Map<ValueId, Block> {
  const blocks = new Map<ValueId, Block>();
  const touch = (id: ValueId, time: number) => {
    const activation = activations.get(id);
    if (!activation) return;
    const { root, size } = activation;
    blocks.set(root, { bytes: size, first: blocks.get(root)?.first ?? time, last: time });
  };
  for (const id of graph.inputs) touch(id, 0);
  graph.nodes.forEach((node, i) => {
    for (const id of [...node.inputs, node.output]) touch(id, i + 1);
  });
  for (const id of graph.outputs) touch(id, graph.nodes.length + 1);
  return blocks;
}
