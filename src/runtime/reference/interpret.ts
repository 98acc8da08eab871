import { sizeOf, withBatch } from '../../core/shape.ts';
import type { Graph, Node, ValueId } from '../../graph/graph.ts';
import type { IntOpName } from '../rules.ts';
import { add } from './add.ts';
import { averagePool2d, globalAveragePool2d } from './averagePool2d.ts';
import { conv2d } from './conv2d.ts';
import { dense } from './dense.ts';
import { depthwiseConv2d } from './depthwiseConv2d.ts';
import { clampToRange, flatten, maxPool2d } from './keep.ts';
import type { Activation, ReferenceOp } from './operands.ts';

const references = {
  add,
  averagePool2d,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePool2d,
  maxPool2d,
  relu: clampToRange,
  relu6: clampToRange,
} as const satisfies Record<IntOpName, ReferenceOp<never>>;

/**
 * The integers of every activation of a valid integer graph by the name of its value, computed from the equations of
 * docs/quantization.md with plain loops: no kernel, no packing, no plan. `input` is one array an input of the graph, or
 * the array of its only input.
 */
export function interpret(
  graph: Graph,
  input: Int8Array | readonly Int8Array[],
  batch = 1,
): Map<string, Int8Array<ArrayBuffer>> {
  const inputs = input instanceof Int8Array ? [input] : input;
  const activations = new Map<ValueId, Activation>();
  const add = (id: ValueId, given?: Int8Array<ArrayBuffer>) => {
    const { shape: open, qparams } = graph.values[id]!;
    const shape = withBatch(open, batch);
    const data = given ?? new Int8Array(sizeOf(shape));
    activations.set(id, { shape, qparams: qparams!, data });
  };
  graph.inputs.forEach((id, i) => {
    add(id, Int8Array.from(inputs[i]!));
  });
  for (const node of graph.nodes) {
    add(node.output);
    runNode(graph, node, activations);
  }
  return new Map([...activations].map(([id, { data }]) => [graph.values[id]!.name, data]));
}

function runNode(graph: Graph, node: Node, activations: ReadonlyMap<ValueId, Activation>): void {
  const reference = references[node.op as IntOpName] as ReferenceOp;
  const x = node.inputs.flatMap((id) => activations.get(id) ?? []);
  const constants = node.inputs.flatMap((id) => graph.parameters.get(id) ?? []);
  reference({ x, constants, y: activations.get(node.output)! }, node.attrs);
}
