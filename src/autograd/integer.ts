/**
 * Evaluation of a quantized graph in integers, op by op, from the live parameters: what training believes the shipped
 * model computes. It shares kernels, M and B with the runtime, but neither `convert` nor the bundle nor the plan, so
 * comparing the two can fail.
 */

import { internal } from '../core/errors.ts';
import { foldRequant, type Requant } from '../core/foldRequant.ts';
import type { QRef, QWeights, Ref } from '../core/op.ts';
import type { QParams } from '../core/qparams.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Node, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { clamped, normInput, parameterData } from '../graph/passes/absorb.ts';
import { indexInputs, keepsIntegers, type Segment, segments } from '../graph/passes/segments.ts';
import { activationQParams } from '../graph/quantizerParams.ts';
import { lookupTable } from '../ops/lookup.ts';
import type { StepContext } from './context.ts';
import type { ParameterStore } from './parameters.ts';
import type { QuantizerTable } from './quantizer.ts';
import { qatRule, splitOperands } from './rules.ts';

type Bounds = Omit<QRef, 'q'>;

/**
 * The integers of every segment's output and of the inputs, by value id; i32 where an input counts rows of a table.
 *
 * @param inputs f32 [N,…], one for each graph input
 */
export function executeIntegers(
  cx: StepContext,
  store: ParameterStore,
  graph: Graph,
  quantizers: QuantizerTable,
  inputs: readonly Ref[],
): Map<ValueId, QRef> {
  const run = new IntegerRun(cx, store, graph, quantizers);
  for (const [id, parameter] of graph.parameters) {
    if (graph.quantizers.get(id)?.target === 'activation') run.quantize(id, store.ref(parameter));
  }
  const found = segments(graph);
  const indices = indexInputs(graph, found);
  graph.inputs.forEach((id, i) => {
    if (indices.has(id)) run.count(id, inputs[i]!);
    else run.quantize(id, inputs[i]!);
  });
  for (const segment of found) run.segment(segment);
  return run.values;
}

class IntegerRun {
  readonly values = new Map<ValueId, QRef>();
  /** Inputs that count rows of a table, as they came. */
  readonly indices = new Map<ValueId, Ref>();

  constructor(
    readonly cx: StepContext,
    readonly store: ParameterStore,
    readonly graph: Graph,
    readonly quantizers: QuantizerTable,
  ) {}

  /** Real values through the quantizer of value `id`. */
  quantize(id: ValueId, x: Ref): void {
    const out = boundsOf(this.#spec(id));
    this.values.set(id, { ...out, q: this.#round(x, out, out.scale) });
  }

  /** Whole numbers as they are. */
  count(id: ValueId, x: Ref): void {
    const q = this.cx.alloc(x.shape, 'i32');
    this.cx.i32(q).set(this.cx.f32(x));
    this.indices.set(id, x);
    this.values.set(id, { q, scale: 1, zeroPoint: 0, qmin: 0, qmax: 0 });
  }

  segment(segment: Segment): void {
    const { kind, anchor, output } = segment;
    if (keepsIntegers(kind)) {
      this.values.set(output, this.#keep(anchor));
      return;
    }
    const out = boundsOf(this.#spec(output), segment.clamp);
    const compute = {
      linear: this.#linear,
      recurrent: this.#recurrent,
      rescale: this.#rescale,
      table: this.#table,
      norm: this.#norm,
    };
    const q = compute[kind as keyof typeof compute].call(this, segment, out);
    this.values.set(output, { ...boundsOf(this.#spec(output)), q });
  }

  #spec(id: ValueId): QuantizerSpec {
    const spec = this.graph.quantizers.get(id);
    if (!spec) throw internal(`value ${this.graph.values[id]?.name} has no quantizer`);
    return spec;
  }

  #input(node: Node, i: number): QRef {
    const value = this.values.get(node.inputs[i]!);
    if (!value) throw internal(`${node.name} reads a value that has no integers`);
    return value;
  }

  /** q = clamp(rte(f32(x · f32(1/scale))) + zeroPoint, …) */
  #round(x: Ref, { zeroPoint, qmin, qmax }: Bounds, scale: number): Ref {
    const q = this.cx.alloc(x.shape, 'i8');
    const inverseScale = Math.fround(1 / scale);
    const params = this.cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
    this.cx.kernels.f32_qs8_vquantize(sizeOf(x.shape), x.ptr, q.ptr, params);
    return q;
  }

  #keep(node: Node): QRef {
    const rule = qatRule(node.op);
    if (rule?.kind === 'pick') {
      const table = this.#input(node, 1);
      return { ...table, q: rule.forward(this.cx, this.indices.get(node.inputs[0]!)!, table) };
    }
    const x = this.#input(node, 0);
    if (rule?.kind === 'keep') {
      const rest = node.inputs.slice(1).map((id) => this.graph.parameters.get(id)!);
      const constants = rest.map((parameter) => this.store.ref(parameter));
      return { ...x, q: rule.forward(this.cx, x, node.attrs as never, constants) };
    }
    if (rule?.kind !== 'join') throw internal(`${node.op} does not keep integers`);
    const xs = node.inputs.map((_, i) => this.#input(node, i));
    return { ...x, q: rule.forward(this.cx, xs, node.attrs as never) };
  }

  /** u in f32 from the integer kernel, then the rounding on its own. */
  #linear({ anchor, norm }: Segment, out: Bounds): Ref {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'linear') throw internal(`${anchor.op} is not linear`);
    const x = this.#input(anchor, 0);
    const { q, scale } = this.#weights(anchor.inputs[1]!);
    const requant = foldRequant({
      channels: scale.length,
      inScale: x.scale,
      weightScale: scale,
      outScale: out.scale,
      bias: parameterData(this.graph, anchor.inputs[2]),
      norm: norm && normInput(this.graph, norm),
    });
    return this.#round(rule.forward(this.cx, x, q, anchor.attrs as never, requant), out, 1);
  }

  /** h in f32, each rounded on its own. */
  #recurrent({ anchor }: Segment, out: Bounds): Ref {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'recurrent') throw internal(`${anchor.op} is not recurrent`);
    const x = this.#input(anchor, 0);
    const [w, u] = [this.#weights(anchor.inputs[1]!), this.#weights(anchor.inputs[2]!)];
    const bias = parameterData(this.graph, anchor.inputs[3])!;
    const { output } = rule.forward(this.cx, x, [w, u], bias, anchor.attrs as never);
    return this.#round(output, out, out.scale);
  }

  #weights(id: ValueId): QWeights {
    const spec = this.#spec(id);
    const refs = { scale: this.store.ref(spec.scale), own: {} };
    const w = this.store.ref(this.graph.parameters.get(id)!);
    return this.quantizers[spec.method]!.quantizeWeights(this.cx, w, refs, spec);
  }

  #rescale({ anchor }: Segment, out: Bounds): Ref {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'rescale') throw internal(`${anchor.op} does not rescale`);
    const [operands, rest] = splitOperands(anchor, rule);
    const xs = operands.map((_, i) => this.#input(anchor, i));
    const scales = xs.map((x) => x.scale);
    const shapes = xs.map((x) => x.q.shape);
    const reals = rest.map((id) => parameterData(this.graph, id)!);
    const multipliers = rule.multipliers(scales, out.scale, shapes, anchor.attrs as never, reals);
    return rule.evaluate(this.cx, xs, out, multipliers, anchor.attrs as never);
  }

  /** f of the 256 reals that there can be, and of each integer its entry. */
  #table({ anchor }: Segment, out: Bounds): Ref {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'table') throw internal(`${anchor.op} has no table`);
    const x = this.#input(anchor, 0);
    const real = (value: number) => rule.real(value, anchor.attrs as never);
    const table = lookupTable(real, qparamsOf(x), qparamsOf(out));
    const y = this.cx.alloc(x.q.shape, 'i8');
    const from = this.cx.i8(x.q);
    const to = this.cx.i8(y);
    for (let i = 0; i < from.length; i++) to[i] = table[from[i]! & 255]!;
    return y;
  }

  /** u = f32(f32(q − z)·M) + B per channel */
  #norm({ anchor }: Segment, out: Bounds): Ref {
    const { cx } = this;
    const x = this.#input(anchor, 0);
    const channels = x.q.shape.at(-1)!;
    const size = sizeOf(x.q.shape);
    const requant = foldRequant({
      channels,
      inScale: x.scale,
      weightScale: [1],
      outScale: out.scale,
      norm: normInput(this.graph, anchor),
    });
    const u = cx.alloc(x.q.shape);
    const params = cx.struct('QuantizeParams', { ...x, scale: 1, inverseScale: 1 });
    cx.kernels.qs8_f32_vdequantize(size, x.q.ptr, u.ptr, params);
    const [a, b] = this.#place(requant);
    cx.kernels.f32_vaffine(size / channels, channels, u.ptr, a, b, u.ptr, -Infinity, Infinity);
    return this.#round(u, out, 1);
  }

  #place({ multiplier, addend }: Requant): [number, number] {
    const ref = this.cx.alloc([2, multiplier.length]);
    const view = this.cx.f32(ref);
    view.set(multiplier);
    view.set(addend, multiplier.length);
    return [ref.ptr, ref.ptr + 4 * multiplier.length];
  }
}

function boundsOf(spec: QuantizerSpec, clamp?: Node): Bounds {
  const { scale, ...rest } = clamped(activationQParams(spec), clamp);
  return { ...rest, scale: scale[0] };
}

function qparamsOf({ scale, zeroPoint, qmin, qmax }: Bounds): QParams {
  return { scale: [scale], zeroPoint, qmin, qmax };
}
