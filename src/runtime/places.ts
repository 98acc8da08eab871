import { bytesOf } from '../core/dtype.ts';
import type { IntRule } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import type { Activation } from './activations.ts';

/** Where a tensor lies. */
export interface Place {
  /** The value in whose bytes it lies: itself, or what an alias, an operation in place or a concat gives it. */
  readonly root: ValueId;
  /** Where it begins in the root, in bytes. */
  readonly offset: number;
  /** Bytes from one row of the last axis to the next. */
  readonly stride: number;
}

/**
 * Places inside the outputs of concats, so that operands are written where they belong and nothing is copied. An operand
 * can be placed if it lies in one piece there (nothing stands before the axis), or if the axis is the last and all who
 * write and read it heed its stride. A concat's output may itself lie in a later one.
 */
export function concatPlaces(
  graph: Graph,
  ruleOf: (node: Node) => IntRule,
  tensorOf: (id: ValueId) => Activation,
): ReadonlyMap<ValueId, Place> {
  const places = new Map<ValueId, Place>();
  const makers = new Map(graph.nodes.map((node) => [node.output, node]));
  /** Values that some reader or maker takes for dense. */
  const dense = new Set<ValueId>();
  for (const node of graph.nodes) {
    if (ruleOf(node).strided) continue;
    for (const id of [...node.inputs, node.output]) dense.add(id);
  }
  const taken = new Set(graph.outputs);
  for (const concat of graph.nodes.filter(({ op }) => (op as string) === 'concat').reverse()) {
    const y = { ...tensorOf(concat.output), ...places.get(concat.output) };
    const axis = Number(concat.attrs['axis']);
    const inOnePiece = sizeOf(y.shape.slice(0, axis)) === 1 && y.stride === rowBytes(y);
    const inColumns = axis === y.shape.length - 1;
    let { offset } = y;
    for (const id of concat.inputs) {
      const x = tensorOf(id);
      const maker = makers.get(id);
      const fits = inOnePiece || (inColumns && !dense.has(id));
      if (fits && maker && !ruleOf(maker).alias && !taken.has(id)) {
        taken.add(id);
        places.set(id, { root: y.root, offset, stride: inOnePiece ? x.stride : y.stride });
      }
      offset += sizeOf(x.shape.slice(axis)) * bytesOf[x.dtype];
    }
  }
  return places;
}

function rowBytes({ shape, dtype }: Activation): number {
  return shape.at(-1)! * bytesOf[dtype];
}
