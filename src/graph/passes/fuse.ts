/**
 * Rewrites that leave every output what it was, float or integer, with fewer steps. Converters of other frameworks write
 * padding, dilation and clamps as ops of their own.
 */

import type { Attr, Attrs } from '../../core/op.ts';
import type { QParams } from '../../core/qparams.ts';
import { sameShape } from '../../core/shape.ts';
import type { Padding, Pair, WindowAttrs } from '../../ops/geometry.ts';
import { type OpName, ops } from '../../ops/table.ts';
import {
  countUses,
  type Graph,
  type Node,
  type Parameter,
  type Value,
  type ValueId,
} from '../graph.ts';
import { compact } from './compact.ts';

/** All of them, until none applies, and what is then not needed gone. */
export function fuse(graph: Graph): Graph {
  return compact(composeLookups(foldClamps(foldPads(foldSpaceToBatch(graph)))));
}

/** A graph whose nodes are replaced one by one. */
class Rewriter {
  readonly values: Value[];
  readonly nodes: Node[];
  readonly parameters: Map<ValueId, Parameter>;
  readonly #makers = new Map<ValueId, number>();
  readonly #uses: readonly number[];

  constructor(readonly graph: Graph) {
    this.values = [...graph.values];
    this.nodes = [...graph.nodes];
    this.parameters = new Map(graph.parameters);
    this.#uses = countUses(graph);
    graph.nodes.forEach((node, i) => {
      this.#makers.set(node.output, i);
    });
  }

  /** The node that makes a value, as it now is, if it is one of `names`. */
  maker(id: ValueId | undefined, ...names: readonly OpName[]): Node | undefined {
    const node = this.nodes[this.#makers.get(id ?? -1) ?? -1];
    return node && names.includes(node.op) ? node : undefined;
  }

  /** Whether one node, and no graph output, reads the value. */
  once(id: ValueId): boolean {
    return this.#uses[id] === 1;
  }

  finish(): Graph {
    const { values, nodes, parameters } = this;
    return { ...this.graph, values, nodes, parameters };
  }
}

/** Runs `visit` over the nodes in order; what it returns takes the node's place. */
function rewrite(graph: Graph, visit: (node: Node, rewriter: Rewriter) => Node | undefined): Graph {
  const rewriter = new Rewriter(graph);
  for (let i = 0; i < rewriter.nodes.length; i++) {
    rewriter.nodes[i] = visit(rewriter.nodes[i]!, rewriter) ?? rewriter.nodes[i]!;
  }
  return rewriter.finish();
}

const CONVOLUTIONS: readonly OpName[] = ['conv2d', 'depthwiseConv2d'];

/** Zeros put around an image before a convolution are the convolution's own padding. */
export function foldPads(graph: Graph): Graph {
  return rewrite(graph, (node, rewriter) => {
    if (!CONVOLUTIONS.includes(node.op)) return undefined;
    const pad = rewriter.maker(node.inputs[0], 'pad');
    const sides = pad && imagePadding(pad.attrs);
    if (!sides) return undefined;
    const attrs = windowOf(node);
    return {
      ...node,
      inputs: [pad.inputs[0]!, ...node.inputs.slice(1)],
      attrs: { ...node.attrs, padding: addPadding(attrs.padding, sides) as unknown as Attr },
    };
  });
}

/** [[top, bottom], [left, right]] of a pad that puts zeros around an image and nowhere else. */
function imagePadding({ mode, value, padding }: Attrs): Padding | undefined {
  const [height, width, channels, ...more] = padding as unknown as readonly Pair[];
  if (mode !== 'constant' || value !== 0 || !channels || more.length > 0) return undefined;
  return channels[0] === 0 && channels[1] === 0 ? [height!, width!] : undefined;
}

function addPadding(a: Padding, b: Padding): Padding {
  const side = (axis: 0 | 1): Pair => [a[axis][0] + b[axis][0], a[axis][1] + b[axis][1]];
  return [side(0), side(1)];
}

function windowOf({ attrs }: Node): WindowAttrs {
  return attrs as unknown as WindowAttrs;
}

/** Blocks of pixels moved into the batch, a convolution, and back: a dilated convolution. */
export function foldSpaceToBatch(graph: Graph): Graph {
  return rewrite(graph, (node, rewriter) => {
    if (node.op !== 'batchToSpace') return undefined;
    const convolution = rewriter.maker(node.inputs[0], ...CONVOLUTIONS);
    const spread = rewriter.maker(convolution?.inputs[0], 'spaceToBatch');
    if (!convolution || !spread || !rewriter.once(convolution.output)) return undefined;
    const attrs = dilated(spread.attrs, windowOf(convolution), node.attrs);
    if (!attrs) return undefined;
    const inputs = [spread.inputs[0]!, ...convolution.inputs.slice(1)];
    const shapes = inputs.slice(0, 2).map((id) => rewriter.values[id]!.shape);
    const output = rewriter.values[node.output]!;
    const shape = ops[convolution.op].inferShape(shapes, attrs as never);
    if (!sameShape(shape, output.shape)) return undefined;
    const { qparams } = rewriter.values[convolution.output]!;
    rewriter.values[node.output] = { ...output, ...(qparams && { qparams }) };
    return { ...node, op: convolution.op, inputs, attrs: attrs as unknown as Attrs };
  });
}

/** The window of the whole; undefined where it would have to crop, or where the blocks are not those of one dilation. */
function dilated(spread: Attrs, window: WindowAttrs, gather: Attrs): WindowAttrs | undefined {
  const block = spread['blockShape'] as unknown as Pair;
  const plain = [...window.strides, ...window.dilation].every((step) => step === 1);
  if (!plain || String(block) !== String(gather['blockShape'])) return undefined;
  const added = spread['padding'] as unknown as Padding;
  const crops = gather['crops'] as unknown as Padding;
  const side = (axis: 0 | 1, end: 0 | 1) =>
    added[axis][end] + block[axis] * window.padding[axis][end] - crops[axis][end];
  const padding = ([0, 1] as const).map((axis): Pair => [side(axis, 0), side(axis, 1)]);
  if (padding.flat().some((count) => count < 0)) return undefined;
  return { strides: [1, 1], padding: padding as unknown as Padding, dilation: block };
}

/** Ops that clamp what they compute to the bounds of their output. */
const CLAMPING: readonly OpName[] = [
  ...(['conv2d', 'depthwiseConv2d', 'dense', 'transposedConv2d', 'add', 'subtract'] as const),
  ...(['multiply', 'minimum', 'maximum', 'mean', 'averagePool2d', 'maxPool2d'] as const),
  ...(['globalAveragePool2d', 'prelu', 'l2Normalize', 'softmax', 'relu', 'relu6'] as const),
  ...(['layerNormalization', 'matmul'] as const),
];

/** Integers only: a clamp behind an op that clamps is bounds of that op's output. */
export function foldClamps(graph: Graph): Graph {
  return rewrite(graph, (node, rewriter) => {
    if (node.op !== 'relu' && node.op !== 'relu6') return undefined;
    const maker = rewriter.maker(node.inputs[0], ...CLAMPING);
    if (!maker || !rewriter.once(maker.output)) return undefined;
    const output = rewriter.values[node.output]!;
    const bounds = intersection(rewriter.values[maker.output]!.qparams, output.qparams);
    if (!bounds) return undefined;
    rewriter.values[node.output] = { ...output, qparams: bounds };
    return { ...maker, name: node.name, output: node.output };
  });
}

function intersection(a: QParams | undefined, b: QParams | undefined): QParams | undefined {
  if (!a || !b) return undefined;
  const qmin = Math.max(a.qmin, b.qmin);
  const qmax = Math.min(a.qmax, b.qmax);
  return qmin <= b.zeroPoint && b.zeroPoint <= qmax ? { ...b, qmin, qmax } : undefined;
}

/** A table of what a table gives is one table. */
export function composeLookups(graph: Graph): Graph {
  return rewrite(graph, (node, rewriter) => {
    if (node.op !== 'lookup') return undefined;
    const first = rewriter.maker(node.inputs[0], 'lookup');
    if (!first || !rewriter.once(first.output)) return undefined;
    const [from, to] = [first, node].map((lookup) => lookup.inputs[1]!) as [ValueId, ValueId];
    const tables = [from, to].map((id) => rewriter.parameters.get(id)!.data);
    const data = (tables[1] as Int8Array<ArrayBuffer>).slice();
    tables[0]!.forEach((byte, i) => {
      data[i] = tables[1]![byte & 255]!;
    });
    const parameter = rewriter.parameters.get(to)!;
    const name = `${node.name}/composed`;
    const table = rewriter.values.push({ ...rewriter.values[to]!, name }) - 1;
    rewriter.parameters.set(table, { ...parameter, name, data });
    return { ...node, inputs: [first.inputs[0]!, table] };
  });
}
