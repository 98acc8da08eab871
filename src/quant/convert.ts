import { StepContext } from '../autograd/context.ts';
import { withDeviceSync } from '../autograd/device.ts';
import { executeIntegers } from '../autograd/integer.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { qatRule, splitOperands } from '../autograd/rules.ts';
import { type Bundle, checkBundle, type Golden } from '../bundle/bundle.ts';
import { writeBundle } from '../bundle/write.ts';
import { checkOptions, internal, kindOf, rangeError, typeError } from '../core/errors.ts';
import { foldRequant } from '../core/foldRequant.ts';
import type { Attrs } from '../core/op.ts';
import { ACTIVATION_RANGE, type QParams, weightRange } from '../core/qparams.ts';
import { quantize } from '../core/rounding.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { learnAllOps } from '../graph/integer/otherOps.ts';
import { checkLabelCount } from '../graph/labels.ts';
import { clamped, normInput, parameterData } from '../graph/passes/absorb.ts';
import { indexInputs, type Segment, segments } from '../graph/passes/segments.ts';
import { activationQParams } from '../graph/quantizerParams.ts';
import { PLAIN_WINDOW } from '../ops/geometry.ts';
import { lookupTable } from '../ops/lookup.ts';
import type { OpName } from '../ops/table.ts';
import { GraphBuilder } from './graphBuilder.ts';
import { QuantizedModel } from './quantizeModel.ts';
import { channelLayout, forEachWeight } from './weightLayout.ts';

export interface ConvertOptions {
  /** Written into the bundle: where the model comes from. */
  readonly provenance?: Readonly<Record<string, string | number>>;
  /** SPDX expression of the model's licence. */
  readonly license?: string;
}

/** Throws a TypeError, starting with `where`, for what cannot stand in a bundle. */
export function checkAbout(where: string, about: ConvertOptions): void {
  checkOptions(where, about, ['provenance', 'license']);
  const { provenance } = about;
  if (provenance === undefined) return;
  if (typeof provenance !== 'object' || provenance === null || Array.isArray(provenance)) {
    const expected = 'provenance must be an object of strings and numbers';
    throw typeError(where, expected, kindOf(provenance));
  }
}

/** An integer graph, ready to ship. */
export interface Converted {
  readonly graph: Graph;
  /** The bundle file (docs/bundle.md). Equal models give equal bytes. */
  toBytes(): Uint8Array<ArrayBuffer>;
}

/**
 * Turns a trained quantized model into an integer graph: weights become int8, batch normalization and scales become M
 * and B, clamps become bounds. A graph of integers, as `importTflite` makes it, is ready as it is. Throws a RangeError for a model
 * whose ranges were never set or are not finite, or whose labels are not as many as its outputs.
 */
export function convert(model: QuantizedModel | Graph, options: ConvertOptions = {}): Converted {
  checkAbout('convert', options);
  if (!(model instanceof QuantizedModel)) return ready(model, options);
  if (!model.calibrated) {
    throw rangeError('convert', 'a model whose ranges were set by fit or evaluate', 'none');
  }
  const graph = toIntegers(model.graph);
  checkLabelCount('convert', graph, graph.labels);
  learnAllOps();
  checkBundle({ graph, golden: [], ...options }, 'convert');
  const bundle: Bundle = { graph, golden: [goldenVector(model)], ...options };
  return { graph, toBytes: () => writeBundle(bundle) };
}

/** Whatever has no quantized values is a float model. */
function ready(graph: Graph, options: ConvertOptions): Converted {
  if (!graph?.values?.some(({ qparams }) => qparams)) {
    throw typeError('convert', 'a quantized model or a graph of integers', 'a float one');
  }
  checkLabelCount('convert', graph, graph.labels);
  learnAllOps();
  const bundle: Bundle = { graph, golden: [], ...options };
  checkBundle(bundle, 'convert');
  return { graph, toBytes: () => writeBundle(bundle) };
}

/** Integers in and out as evaluation computes them. */
function goldenVector(model: QuantizedModel): Golden {
  const { graph, samples, quantizers } = model;
  return withDeviceSync((device) => {
    const store = new ParameterStore(device, graph);
    const cx = new StepContext(device, false);
    const [, ...sample] = graph.values[graph.inputs[0]!]!.shape;
    const x = cx.alloc([samples.size, ...sample]);
    cx.f32(x).set(samples.x);
    const values = executeIntegers(cx, store, graph, quantizers, [x]);
    const integers = (id: ValueId) => {
      const { q } = values.get(id)!;
      return q.dtype === 'i32' ? cx.i32(q).slice() : cx.i8(q).slice();
    };
    return { input: integers(graph.inputs[0]!), outputs: graph.outputs.map(integers) };
  });
}

/** The integer graph of a quantized one: a node for each segment (quantization.md, table 1). */
export function toIntegers(graph: Graph): Graph {
  const builder = new GraphBuilder(graph);
  for (const [id, { data, shape }] of graph.parameters) {
    if (graph.quantizers.get(id)?.target !== 'activation') continue;
    const qparams = qparamsOf(graph, id);
    const inverse = Math.fround(1 / qparams.scale[0]!);
    const { zeroPoint, qmin, qmax } = qparams;
    const q = Int8Array.from(data, (x) => quantize(x, inverse, zeroPoint, qmin, qmax));
    builder.parameter(id, q, shape, qparams);
  }
  const found = segments(graph);
  const indices = indexInputs(graph, found);
  for (const id of graph.inputs) {
    if (indices.has(id)) builder.indices(id);
    else builder.activation(id, qparamsOf(graph, id));
  }
  for (const segment of found) new SegmentConverter(graph, builder, segment).convert();
  return builder.finish();
}

function qparamsOf(graph: Graph, id: ValueId): QParams {
  const spec = graph.quantizers.get(id);
  if (!spec) throw internal(`value ${graph.values[id]?.name} has no quantizer`);
  return activationQParams(spec);
}

class SegmentConverter {
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
    const weightScale = graph.quantizers.get(w)!.scale.data;
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
    const scaleOf = (id: ValueId) => graph.quantizers.get(id)!.scale.data;
    const inScale = builder.qparams(x).scale[0]!;
    const bias = parameterData(graph, b)!;
    const rest = rule.constants(inScale, [scaleOf(w), scaleOf(u)], bias, attrs as never);
    const constants = [
      ...[w, u].map((id) => this.#weights(id)),
      ...rest.map((one) => builder.constant(`${name}/${one.name}`, one.data, one.shape)),
    ];
    this.#emit(op, [x], constants, qparamsOf(graph, this.segment.output));
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
    forEachWeight(channelLayout(shape, axis!), (c, i) => {
      q[i] = quantize(data[i]!, inverse[c]!, 0, qmin, qmax);
    });
    const qparams = { scale: Array.from(scale.data), zeroPoint: 0, qmin, qmax, axis: axis! };
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
