/**
 * Where PyTorch keeps what a layer needs: the name of each parameter within its module, the shape it has there, and how its
 * axes go. Names and layouts are those of torch.nn (Conv2d, ConvTranspose2d, Linear, BatchNorm, PReLU).
 */

import { type Shape, sizeOf } from '../../core/shape.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import type { OpName } from '../../ops/table.ts';

/** How a parameter stands in the file. */
export interface Layout {
  /** Within the module, like `weight`. */
  readonly name: string;
  /** In the file, for a parameter of this shape in the graph. */
  shape(parameter: Shape): Shape;
  /** The file's axes in the order of the graph; nothing where that is the same. */
  readonly order?: readonly number[];
  /** The file's shape with an axis taken apart, where `order` counts those. */
  fold?(parameter: Shape): Shape;
}

const same = (name: string): Layout => ({ name, shape: (shape) => shape });

const BIAS = same('bias');

/** [Co,Kh,Kw,Ci] here, [Co,Ci,Kh,Kw] there. */
const CONV: Layout = {
  name: 'weight',
  shape: ([filters, height, width, channels]) => [filters!, channels!, height!, width!],
  order: [0, 2, 3, 1],
};

/** [Kh,Kw,C] here, [C,1,Kh,Kw] there. */
const DEPTHWISE: Layout = {
  name: 'weight',
  shape: ([height, width, channels]) => [channels!, 1, height!, width!],
  order: [2, 3, 0, 1],
};

/** [Co,Kh,Kw,Ci] here, [Ci,Co,Kh,Kw] there. */
const TRANSPOSED: Layout = {
  name: 'weight',
  shape: ([filters, height, width, channels]) => [channels!, filters!, height!, width!],
  order: [1, 2, 3, 0],
};

/** Parameters of an op, in the order of its inputs after the first. */
const LAYOUTS: Partial<Record<OpName, readonly Layout[]>> = {
  conv2d: [CONV, BIAS],
  depthwiseConv2d: [DEPTHWISE, BIAS],
  transposedConv2d: [TRANSPOSED, BIAS],
  dense: [same('weight'), BIAS],
  batchNormalization: [same('weight'), same('bias'), same('running_mean'), same('running_var')],
  prelu: [same('weight')],
};

/** The layouts of a node's parameters; nothing for an op that has no counterpart. */
export function layoutsOf(graph: Graph, node: Node): readonly Layout[] | undefined {
  const layouts = LAYOUTS[node.op];
  const image = node.op === 'dense' ? flattenedImage(graph, node) : undefined;
  return image && layouts ? [flattened(image), ...layouts.slice(1)] : layouts;
}

/** The image [H,W,C] that a dense layer sees as a row, if it does. */
function flattenedImage({ nodes, values }: Graph, { inputs }: Node): Shape | undefined {
  const maker = nodes.find(({ output }) => output === inputs[0]);
  if (maker?.op !== 'flatten' && maker?.op !== 'reshape') return undefined;
  const [, ...sample] = values[maker.inputs[0]!]!.shape;
  return sample.length === 3 ? sample : undefined;
}

/** Columns that are pixels of an image: [units, H·W·C] here, [units, C·H·W] there. */
function flattened([height, width, channels]: Shape): Layout {
  return {
    name: 'weight',
    shape: (shape) => shape,
    fold: ([units]) => [units!, channels!, height!, width!],
    order: [0, 2, 3, 1],
  };
}

/** The values of the file in the order of the graph. */
export function reordered(
  data: ArrayLike<number>,
  { shape, fold, order }: Layout,
  parameter: Shape,
): Float32Array<ArrayBuffer> {
  if (!order) return Float32Array.from(data);
  const from = fold ? fold(parameter) : shape(parameter);
  const out = new Float32Array(data.length);
  const extents = order.map((axis) => from[axis]!);
  const strides = order.map((axis) => sizeOf(from.slice(axis + 1)));
  const at = order.map(() => 0);
  for (let i = 0, place = 0; i < out.length; i++) {
    out[i] = data[place]!;
    place += advance(at, extents, strides);
  }
  return out;
}

/** Moves to the next index of a row-major walk; how far that is in the file. */
function advance(at: number[], extents: readonly number[], strides: readonly number[]): number {
  let distance = 0;
  for (let k = at.length - 1; k >= 0; k--) {
    at[k]!++;
    distance += strides[k]!;
    if (at[k]! < extents[k]!) return distance;
    distance -= extents[k]! * strides[k]!;
    at[k] = 0;
  }
  return distance;
}
