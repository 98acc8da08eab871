import { arrayOf, type Elements, type TypedArray } from '../../core/dtype.ts';
import { sizeOf, withBatch } from '../../core/shape.ts';
import type { Graph, Node, ValueId } from '../../graph/graph.ts';
import { activationCount } from '../../graph/integer/ops.ts';
import type { IntOpName } from '../../graph/integer/otherOps.ts';
import { attentionSoftmax, embedding, layerNormalization, matmul } from './attention.ts';
import { averagePool2d, globalAveragePool2d } from './averagePool2d.ts';
import { add, maximum, minimum, multiply, prelu, subtract } from './binary.ts';
import { conv2d } from './conv2d.ts';
import { dense } from './dense.ts';
import { depthwiseConv2d } from './depthwiseConv2d.ts';
import { dequantize, lookup, quantize } from './edges.ts';
import { clampToRange, flatten, maxPool2d } from './keep.ts';
import {
  batchToSpace,
  concat,
  depthToSpace,
  gather,
  pad,
  slice,
  spaceToBatch,
  spaceToDepth,
  transpose,
} from './movement.ts';
import type { Activation, ReferenceOp } from './operands.ts';
import { gru, lstm } from './recurrent.ts';
import { resize } from './resize.ts';
import { argMax, l2Normalize, mean, softmax } from './rows.ts';
import { transposedConv2d } from './transposedConv2d.ts';

const references = {
  add,
  argMax,
  attentionSoftmax,
  averagePool2d,
  batchToSpace,
  concat,
  conv2d,
  dense,
  depthToSpace,
  depthwiseConv2d,
  dequantize,
  embedding,
  flatten,
  gather,
  globalAveragePool2d,
  gru,
  l2Normalize,
  layerNormalization,
  lookup,
  lstm,
  matmul,
  maxPool2d,
  maximum,
  mean,
  minimum,
  multiply,
  pad,
  prelu,
  quantize,
  relu6: clampToRange,
  relu: clampToRange,
  reshape: flatten,
  resize,
  slice,
  softmax,
  spaceToBatch,
  spaceToDepth,
  subtract,
  transpose,
  transposedConv2d,
} as const satisfies Record<IntOpName, ReferenceOp<never>>;

/**
 * The integers of every activation of a valid integer graph by the name of its value, computed from the equations of
 * docs/quantization.md with plain loops: no kernel, no packing, no plan. `input` is one array an input of the graph, or
 * the array of its only input.
 */
export function interpret(
  graph: Graph,
  input: Elements | readonly Elements[],
  batch = 1,
): Map<string, TypedArray> {
  const inputs = ArrayBuffer.isView(input) ? [input] : input;
  const activations = new Map<ValueId, Activation>();
  const add = (id: ValueId, given?: TypedArray) => {
    const { shape: open, dtype, qparams } = graph.values[id]!;
    const shape = withBatch(open, batch);
    const data = given ?? new arrayOf[dtype](sizeOf(shape));
    activations.set(id, { shape, dtype, qparams: qparams!, data });
  };
  graph.inputs.forEach((id, i) => {
    add(id, inputs[i]!.slice() as TypedArray);
  });
  for (const node of graph.nodes) {
    add(node.output);
    runNode(graph, node, activations);
  }
  return new Map([...activations].map(([id, { data }]) => [graph.values[id]!.name, data]));
}

function runNode(graph: Graph, node: Node, activations: ReadonlyMap<ValueId, Activation>): void {
  const reference = references[node.op as IntOpName] as ReferenceOp;
  const count = activationCount(node);
  const constantOf = (id: ValueId) => {
    const { qparams, ...value } = graph.values[id]!;
    return { ...value, qparams: qparams!, data: graph.parameters.get(id)!.data };
  };
  // A constant that stands for an activation has qparams: the form of the op sees to it.
  const x = node.inputs.slice(0, count).map((id) => activations.get(id) ?? constantOf(id));
  const constants = node.inputs.slice(count).map(constantOf);
  reference({ x, constants, y: activations.get(node.output)! }, node.attrs);
}
