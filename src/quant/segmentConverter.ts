/** How each kind of segment becomes a node of the integer graph. */

import { qatRule, splitOperands } from '../autograd/rules.ts';
import { internal } from '../core/errors.ts';
import { foldRequant } from '../core/foldRequant.ts';
import type { Attrs } from '../core/op.ts';
import { ACTIVATION_RANGE, type QParams, weightRange } from '../core/qparams.ts';
import { quantize } from '../core/rounding.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { clamped, normInput, parameterData } from '../graph/passes/absorb.ts';
import type { Segment } from '../graph/passes/segments.ts';
import { activationQParams } from '../graph/quantizerParams.ts';
import { PLAIN_WINDOW } from '../ops/geometry.ts';
import { lookupTable } from '../ops/lookup.ts';
import type { OpName } from '../ops/table.ts';
import type { GraphBuilder } from './graphBuilder.ts';
import { channelScales, forEachWeight, scaleLayout } from './weightLayout.ts';

/** Integers of the activation `id` of a quantized graph. */
export function qparamsOf(graph: Graph, id: ValueId): QParams {
  const spec = graph.quantizers.get(id);
  if (!spec) throw internal(`value ${graph.values[id]?.name} has no quantizer`);
  return activationQParams(spec);
}

/** Adds the node of one segment, and its constants, to the builder. */
export class SegmentConverter {
  constructor(
    readonly graph: Graph,
    readonly builder: GraphBuilder,
    readonly segment: Segment,
  ) {}

  convert(): void {
    const { kind, anchor } = this.segment;
    if (kind === 'keep') this.#keep(anchor);
    else if (kind === 'join') this.#join(anchor);
    else if (kind === 'pick') this.#pick(anchor);
    else if (kind === 'linear') this.#linear(anchor);
    else if (kind === 'recurrent') this.#recurrent(anchor);
    else if (kind === 'rescale') this.#rescale(anchor);
    else if (kind === 'table') this.#table(anchor);
    else this.#norm(anchor);
  }

  #emit(
    op: OpName,
    activations: readonly ValueId[],
    constants: readonly ValueId[],
    qparams: QParams,
    attrs: Attrs = this.segment.anchor.attrs,
  ): void {
    const { anchor, clamp, output } = this.segment;
    const bounds = clamped(qparams, clamp);
    this.builder.node(op, anchor.name, activations, constants, output, bounds, attrs);
  }

  #keep(node: Node): void {
    const qparams = this.builder.qparams(node.inputs[0]!);
    const clamps = node.op === 'relu' || node.op === 'relu6';
    // What surrounds a padded image may lie outside the bounds that a relu has left.
    const range = node.op === 'pad' ? { ...qparams, ...ACTIVATION_RANGE } : qparams;
    const bounds = clamped(range, clamps ? node : undefined);
    const indices = node.inputs.slice(1).map((id) => this.#indices(id));
    this.#emit(node.op, [node.inputs[0]!], indices, bounds);
  }

  /** Once, as weights. */
  #indices(id: ValueId): ValueId {
    const { data, shape } = this.graph.parameters.get(id)!;
    return this.builder.find(id) ?? this.builder.parameter(id, Int32Array.from(data), shape);
  }

  /** Their quantizer is one, but bounds may differ: of some a relu cut off the lower half. */
  #join({ op, inputs }: Node): void {
    const all = inputs.map((id) => this.builder.qparams(id));
    const qmin = Math.min(...all.map((qparams) => qparams.qmin));
    const qmax = Math.max(...all.map((qparams) => qparams.qmax));
    this.#emit(op, inputs, [], { ...all[0]!, qmin, qmax });
  }

  /** Rows of a table that is there already, as constants among activations are. */
  #pick({ op, inputs }: Node): void {
    const [x, table] = inputs as [ValueId, ValueId];
    this.#emit(op, [x], [this.builder.find(table)!], this.builder.qparams(table));
  }

  #linear(anchor: Node): void {
    const { builder, graph } = this;
    const [x, w, b] = anchor.inputs as [ValueId, ValueId, ValueId?];
    const out = qparamsOf(graph, this.segment.output);
    const weightScale = this.#scales(w);
    const { multiplier, addend } = foldRequant({
      channels: weightScale.length,
      inScale: builder.qparams(x).scale[0]!,
      weightScale,
      outScale: out.scale[0]!,
      bias: parameterData(graph, b),
      norm: this.segment.norm && normInput(graph, this.segment.norm),
    });
    const constants = [
      this.#weights(w),
      builder.constant(`${anchor.name}/multiplier`, multiplier),
      builder.constant(`${anchor.name}/addend`, addend),
    ];
    this.#emit(anchor.op, [x], constants, out);
  }

  #recurrent({ op, name, inputs, attrs }: Node): void {
    const { builder, graph } = this;
    const rule = qatRule(op);
    if (rule?.kind !== 'recurrent') throw internal(`${op} is not recurrent`);
    const [x, w, u, b] = inputs as [ValueId, ValueId, ValueId, ValueId];
    const inScale = builder.qparams(x).scale[0]!;
    const bias = parameterData(graph, b)!;
    const rest = rule.constants(inScale, [this.#scales(w), this.#scales(u)], bias, attrs as never);
    const constants = [
      ...[w, u].map((id) => this.#weights(id)),
      ...rest.map((one) => builder.constant(`${name}/${one.name}`, one.data, one.shape)),
    ];
    this.#emit(op, [x], constants, qparamsOf(graph, this.segment.output));
  }

  /** One for each output channel. */
  #scales(id: ValueId): Float32Array {
    const { scale, axis } = this.graph.quantizers.get(id)!;
    return channelScales(scale.data, this.graph.parameters.get(id)!.shape[axis!]!);
  }

  /** Once, however many nodes read them. */
  #weights(id: ValueId): ValueId {
    const known = this.builder.find(id);
    if (known !== undefined) return known;
    const spec = this.graph.quantizers.get(id)!;
    const { data, shape } = this.graph.parameters.get(id)!;
    const { qmin, qmax, axis, scale } = spec;
    const inverse = Float32Array.from(scale.data, (s) => 1 / s);
    const q = new Int8Array(sizeOf(shape));
    forEachWeight(scaleLayout(shape, spec), (c, i) => {
      q[i] = quantize(data[i]!, inverse[c]!, 0, qmin, qmax);
    });
    const scales = Array.from(this.#scales(id));
    const qparams = { scale: scales, zeroPoint: 0, qmin, qmax, axis: axis! };
    return this.builder.parameter(id, q, shape, qparams);
  }

  #rescale(anchor: Node): void {
    const { builder, graph } = this;
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'rescale') throw internal(`${anchor.op} does not rescale`);
    const out = qparamsOf(graph, this.segment.output);
    const [operands, rest] = splitOperands(anchor, rule);
    const scales = operands.map((id) => builder.qparams(id).scale[0]!);
    const shapes = operands.map((id) => graph.values[id]!.shape);
    const reals = rest.map((id) => parameterData(graph, id)!);
    const attrs = anchor.attrs as never;
    const multipliers = rule.multipliers(scales, out.scale[0]!, shapes, attrs, reals);
    const table = rule.table?.(scales, attrs);
    // The first operand of an integer node is computed.
    const swap = graph.parameters.has(anchor.inputs[0]!);
    const factors = swap ? rule.swapped!(multipliers) : multipliers;
    const constants = [
      ...(table ? [builder.constant(`${anchor.name}/table`, table)] : []),
      builder.constant(`${anchor.name}/multiplier`, factors),
    ];
    this.#emit(anchor.op, swap ? operands.reverse() : operands, constants, out);
  }

  #table({ op, name, inputs, attrs }: Node): void {
    const rule = qatRule(op);
    if (rule?.kind !== 'table') throw internal(`${op} has no table`);
    const out = clamped(qparamsOf(this.graph, this.segment.output), this.segment.clamp);
    const real = (value: number) => rule.real(value, attrs as never);
    const table = lookupTable(real, this.builder.qparams(inputs[0]!), out);
    this.#emit('lookup', inputs, [this.builder.constant(`${name}/table`, table)], out, {});
  }

  /** An affine map per channel is a depthwise 1x1 convolution with weights 1, or over [N,C] the identity matrix. */
  #norm(anchor: Node): void {
    const { builder } = this;
    const [x] = anchor.inputs as [ValueId];
    const { shape } = this.graph.values[x]!;
    const channels = shape.at(-1)!;
    const out = qparamsOf(this.graph, this.segment.output);
    const { multiplier, addend } = foldRequant({
      channels,
      inScale: builder.qparams(x).scale[0]!,
      weightScale: [1],
      outScale: out.scale[0]!,
      norm: normInput(this.graph, anchor),
    });
    const image = shape.length === 4;
    const constants = [
      image ? this.#ones(channels) : this.#identity(channels),
      builder.constant(`${anchor.name}/multiplier`, multiplier),
      builder.constant(`${anchor.name}/addend`, addend),
    ];
    if (image) this.#emit('depthwiseConv2d', [x], constants, out, PLAIN_WINDOW);
    else this.#emit('dense', [x], constants, out, {});
  }

  #ones(channels: number): ValueId {
    const qparams = { scale: Array(channels).fill(1), zeroPoint: 0, ...weightRange(8), axis: 2 };
    const name = `${this.segment.anchor.name}/ones`;
    return this.builder.constant(name, new Int8Array(channels).fill(1), [1, 1, channels], qparams);
  }

  #identity(channels: number): ValueId {
    const qparams = { scale: Array(channels).fill(1), zeroPoint: 0, ...weightRange(8), axis: 0 };
    const w = Int8Array.from({ length: channels * channels }, (_, i) =>
      i % (channels + 1) === 0 ? 1 : 0,
    );
    const name = `${this.segment.anchor.name}/identity`;
    return this.builder.constant(name, w, [channels, channels], qparams);
  }
}
