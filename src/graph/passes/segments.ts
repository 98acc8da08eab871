import { rangeError } from '../../core/errors.ts';
import type { OpName } from '../../ops/table.ts';
import { countUses, type Graph, type Node, type ValueId } from '../graph.ts';

/**
 * How an op behaves among integers:
 *
 *     linear    int32 accumulators, then u = acc·M + B      conv2d, depthwiseConv2d, dense
 *     recurrent two products a time step, a state in f32   lstm, gru
 *     rescale   an integer definition of its own            add, multiply, average pools, softmax
 *     table     a function of one integer                   sigmoid, tanh, hardSwish
 *     norm      a per-channel affine map                    batch normalization that follows none of these
 *     keep      moves, chooses or clamps integers           max pooling, flatten, gather, relu that follows a `keep`
 *     join      the integers of several tensors             concat
 *     pick      the integers of rows of a parameter         embedding
 */
export type SegmentKind =
  | 'linear'
  | 'recurrent'
  | 'rescale'
  | 'table'
  | 'norm'
  | 'keep'
  | 'join'
  | 'pick';

/** What only imported models have among integers is 'none': it cannot be quantized while it trains. */
const KINDS = {
  abs: 'table',
  add: 'rescale',
  argMax: 'none',
  attentionSoftmax: 'rescale',
  averagePool2d: 'rescale',
  batchNormalization: 'norm',
  batchToSpace: 'keep',
  concat: 'join',
  conv2d: 'linear',
  dense: 'linear',
  depthToSpace: 'keep',
  depthwiseConv2d: 'linear',
  dequantize: 'none',
  dropout: 'none',
  elu: 'table',
  embedding: 'pick',
  exp: 'table',
  flatten: 'keep',
  gather: 'keep',
  gelu: 'table',
  globalAveragePool2d: 'rescale',
  gru: 'recurrent',
  hardSwish: 'table',
  l2Normalize: 'rescale',
  layerNormalization: 'rescale',
  leakyRelu: 'table',
  log: 'table',
  lookup: 'none',
  lstm: 'recurrent',
  matmul: 'rescale',
  maxPool2d: 'keep',
  maximum: 'rescale',
  mean: 'rescale',
  minimum: 'rescale',
  multiply: 'rescale',
  negate: 'table',
  pad: 'keep',
  prelu: 'rescale',
  quantize: 'none',
  relu6: 'keep',
  relu: 'keep',
  reshape: 'keep',
  resize: 'keep',
  rsqrt: 'table',
  sigmoid: 'table',
  slice: 'keep',
  softmax: 'rescale',
  spaceToBatch: 'keep',
  spaceToDepth: 'keep',
  sqrt: 'table',
  square: 'table',
  subtract: 'rescale',
  swish: 'table',
  tanh: 'table',
  transpose: 'keep',
  transposedConv2d: 'linear',
} as const satisfies Record<OpName, SegmentKind | 'none'>;

/**
 * What becomes one integer op: an anchor with the batch normalization and the clamp that follow it, each the only
 * reader of what stands before. Only the segment's output exists as integers.
 */
export interface Segment {
  readonly kind: SegmentKind;
  readonly anchor: Node;
  /** Folded into M and B of a linear anchor. */
  readonly norm?: Node;
  /** relu or relu6, folded into the output's bounds. */
  readonly clamp?: Node;
  readonly output: ValueId;
}

/** The nodes of a segment, in order. */
export function nodesOf({ anchor, norm, clamp }: Segment): Node[] {
  return [anchor, norm, clamp].filter((node) => node !== undefined);
}

/** Whether a segment's integers are those of its inputs or of a parameter, with their quantizer. */
export function keepsIntegers(kind: SegmentKind): boolean {
  return kind === 'keep' || kind === 'join' || kind === 'pick';
}

/** Splits a graph into segments, in order. Every node is in exactly one. */
export function segments(graph: Graph): Segment[] {
  const uses = countUses(graph);
  const readers = new Map<ValueId, Node>();
  for (const node of graph.nodes) readers.set(node.inputs[0]!, node);
  const absorbed = new Set<Node>();
  const follower = (value: ValueId, ...ops: OpName[]): Node | undefined => {
    const node = uses[value] === 1 ? readers.get(value) : undefined;
    if (!node || !ops.includes(node.op)) return undefined;
    absorbed.add(node);
    return node;
  };
  const found: Segment[] = [];
  for (const anchor of graph.nodes) {
    if (absorbed.has(anchor)) continue;
    const kind = KINDS[anchor.op];
    if (kind === 'none') {
      const expected = 'every op must have an integer form that trains';
      throw rangeError(`quantize: node "${anchor.name}"`, expected, anchor.op);
    }
    const norm = kind === 'linear' ? follower(anchor.output, 'batchNormalization') : undefined;
    const before = (norm ?? anchor).output;
    const clamp = keepsIntegers(kind) ? undefined : follower(before, 'relu', 'relu6');
    const output = (clamp ?? norm ?? anchor).output;
    found.push({ kind, anchor, ...(norm && { norm }), ...(clamp && { clamp }), output });
  }
  return found;
}

/** The inputs of a graph that count rows of a table: they are integers as they are. */
export function indexInputs(graph: Graph, found: readonly Segment[]): Set<ValueId> {
  const read = found.flatMap(({ kind, anchor }) => (kind === 'pick' ? anchor.inputs[0]! : []));
  return new Set(graph.inputs.filter((id) => read.includes(id)));
}
