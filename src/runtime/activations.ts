import { bytesOf, type DType } from '../core/dtype.ts';
import type { IntRule } from '../core/op.ts';
import type { QParams } from '../core/qparams.ts';
import { type Shape, sizeOf, withBatch } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { integerOp } from '../graph/integer/ops.ts';
import type { Block } from './arena.ts';
import { concatPlaces, type Place } from './places.ts';

/** A tensor of the plan, before it has an address. */
export interface Activation extends Place {
  readonly name: string;
  /** With the batch size filled in. */
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
  /** Those of i8 and u8; f32 and i32 values stand for themselves. */
  readonly qparams: QParams;
}

const PLAIN: QParams = { scale: [1], zeroPoint: 0, qmin: -(2 ** 31), qmax: 2 ** 31 - 1 };

export function ruleOf({ op }: Node): IntRule {
  return integerOp(op)!.rule;
}

/** A value as a tensor with bytes of its own. */
export function tensorOf({ values }: Graph, id: ValueId, batch: number): Activation {
  const { name, shape: open, dtype, qparams = PLAIN } = values[id]!;
  const shape = withBatch(open, batch);
  const stride = (shape.at(-1) ?? 1) * bytesOf[dtype];
  return { name, shape, size: sizeOf(shape), dtype, qparams, root: id, offset: 0, stride };
}

export function bytesIn({ size, dtype }: Activation): number {
  return size * bytesOf[dtype];
}

/** The inputs and node outputs of a valid integer graph, in the order in which they come to be. */
export function activationsOf(graph: Graph, batch: number): Map<ValueId, Activation> {
  const activations = new Map<ValueId, Activation>();
  const places = concatPlaces(graph, ruleOf, (id) => tensorOf(graph, id, batch));
  const last = lastReads(graph);
  for (const id of graph.inputs) activations.set(id, tensorOf(graph, id, batch));
  graph.nodes.forEach((node, i) => {
    const own = tensorOf(graph, node.output, batch);
    const x = activations.get(node.inputs[0]!);
    const place = places.get(node.output) ?? (x && overInput(node, x, own, last.get(x.root) === i));
    activations.set(node.output, { ...own, ...place });
    const root = place?.root ?? node.output;
    last.set(root, Math.max(last.get(root) ?? i, last.get(node.output) ?? i));
  });
  return activations;

  /** The place of the input, for an alias and for what may overwrite an input that nobody reads again. */
  function overInput(node: Node, x: Activation, y: Activation, free: boolean): Place | undefined {
    const { alias, inPlace } = ruleOf(node);
    const { root, offset } = x;
    if (alias) return { root, offset, stride: y.stride };
    const whole = bytesIn(x) === bytesIn(y) && bytesIn(x) === bytesIn(tensorOf(graph, root, batch));
    return inPlace && free && whole ? { root, offset, stride: y.stride } : undefined;
  }
}

/** The index of the last node that reads each value; outputs are read after all. */
function lastReads({ nodes, outputs }: Graph): Map<ValueId, number> {
  const last = new Map<ValueId, number>();
  nodes.forEach((node, i) => {
    for (const id of node.inputs) last.set(id, i);
  });
  for (const id of outputs) last.set(id, nodes.length);
  return last;
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
    const { root } = activation;
    const bytes = Math.max(bytesIn(activations.get(root)!), blocks.get(root)?.bytes ?? 0);
    blocks.set(root, { bytes, first: blocks.get(root)?.first ?? time, last: time });
  };
  for (const id of graph.inputs) touch(id, 0);
  graph.nodes.forEach((node, i) => {
    for (const id of [...node.inputs, node.output]) touch(id, i + 1);
  });
  for (const id of graph.outputs) touch(id, graph.nodes.length + 1);
  return blocks;
}
