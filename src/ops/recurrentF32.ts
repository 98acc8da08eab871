/** How recurrent layers train in f32: the walk through time and back. */

import type { StructFields } from '../core/abi.ts';
import {
  f32Conv2dScratchBytes,
  f32InputGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../core/f32Layout.ts';
import type { Ref, Saved, TrainContext } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import { convFields, PLAIN_WINDOW } from './geometry.ts';
import { opaque } from './linear.ts';
import { productForward, productInputGradient, productWeightGradient } from './product.ts';
import { type Cell, Extents, type RecurrentAttrs } from './recurrent.ts';

/** Pointers to one time step: see the kernels in `assembly/f32`. */
export interface StepGradients {
  readonly gates: number;
  readonly before: number;
  readonly extra: number;
  readonly dy: number;
  readonly dstate: number;
  readonly dx: number;
  readonly dh: number;
}

/** Gradients of the pre-activations by time, [N,T,G·H]: of the input's part and of the recurrent one. */
export interface PreGradients {
  readonly dx: Ref;
  /** The same as dx where the two parts are only added. */
  readonly dh: Ref;
}

/** A layer as it trains. */
export interface TrainedCell extends Cell {
  /** The kernel of one time step. */
  readonly forward: 'f32_lstm_gates' | 'f32_gru_gates';
  /** Calls the kernel of one time step back. */
  backward(cx: TrainContext, params: number, at: StepGradients): void;
  biasGradient(cx: TrainContext, gradients: PreGradients): Ref;
  /** The output is the state: one tensor, with one gradient. */
  readonly exposed: boolean;
}

/** A function, so that a runtime does without what it gets: an object with a spread would stay. */
export function trainedCell(cell: Cell, rest: Omit<TrainedCell, keyof Cell>): TrainedCell {
  return { ...cell, ...rest };
}

/** [N,T+1,H]: what there is before each step, and after the last. */
export function historyOf({ batch, steps, attrs }: Extents): Shape {
  return [batch, steps + 1, attrs.units];
}

/** RecurrentParams over tensors of `historyOf`. */
export function historyParams({
  batch,
  steps,
  rows,
  attrs,
}: Extents): StructFields<'RecurrentParams'> {
  const stride = (steps + 1) * attrs.units;
  const strides = { gateStride: steps * rows, stateStride: stride, outStride: stride };
  return { batch, units: attrs.units, ...strides, table: 0 };
}

/** What a forward keeps. */
export interface Trace {
  /** [N,T,G·H] after the nonlinearities, by time. */
  readonly gates: Ref;
  /** [N,T+1,H] by the order of computation; `hidden` is `states` where the output is the state. */
  readonly states: Ref;
  readonly hidden: Ref;
  /** [N,T+1,H], that of step s in the place s + 1. */
  readonly extra: Ref;
}

/** The trace of a forward whose gates hold the input's part of the pre-activations so far. */
export function newTrace(
  cx: TrainContext,
  { exposed }: TrainedCell,
  e: Extents,
  gates: Ref,
): Trace {
  const states = cx.zeros(historyOf(e));
  const hidden = exposed ? states : cx.zeros(historyOf(e));
  return { gates, states, hidden, extra: cx.alloc(historyOf(e)) };
}

/** Addresses of step s in a trace, as the forward kernels take them. */
export function stepOf({ gates, states, hidden, extra }: Trace, e: Extents, s: number) {
  const slot = 4 * e.attrs.units;
  return {
    x: gates.ptr + 4 * e.rows * e.timeOf(s),
    before: states.ptr + slot * s,
    after: states.ptr + slot * (s + 1),
    extra: extra.ptr + slot * (s + 1),
    y: hidden.ptr + slot * (s + 1),
  };
}

/** y from the hidden states: all but the first, or the last. */
export function outputOf(cx: TrainContext, e: Extents, hidden: Ref): Ref {
  const { batch, steps, attrs } = e;
  const { units, returnSequences } = attrs;
  const kept = returnSequences ? steps : 1;
  const y = cx.alloc(returnSequences ? [batch, steps, units] : [batch, units]);
  const [from, to] = [cx.f32(hidden), cx.f32(y)];
  for (let n = 0; n < batch; n++) {
    const end = (n + 1) * (steps + 1) * units;
    to.set(from.subarray(end - kept * units, end), n * kept * units);
  }
  return y;
}

/** The forward in f32. The bias of GRU's recurrent product is the second row. */
export function recurrentForward(
  cx: TrainContext,
  cell: TrainedCell,
  [x, kernel, recurrent, bias]: readonly Ref[],
  attrs: RecurrentAttrs,
): { output: Ref; extra: Trace } {
  const e = new Extents(cell, x!.shape, attrs);
  const { batch, steps, rows } = e;
  const gates = productForward(cx, e.inputProduct, [x!, kernel!, bias!], [batch, steps, rows]);
  const trace = newTrace(cx, cell, e, gates);
  const h = cx.alloc([batch, rows]);
  const params = cx.struct('RecurrentParams', historyParams(e));
  const product = cx.struct('ConvParams', e.stepFields((steps + 1) * attrs.units, rows));
  const packed = opaque(cx, packedF32Bytes(rows, attrs.units)).ptr;
  cx.kernels.f32_pack_weights(rows, attrs.units, recurrent!.ptr, packed);
  const scratch = cx.scratch(f32Conv2dScratchBytes(attrs.units));
  const second = bias!.shape.length === 2 ? bias!.ptr + 4 * rows : 0;
  for (let s = 0; s < steps; s++) {
    const at = stepOf(trace, e, s);
    const last = trace.hidden.ptr + 4 * attrs.units * s;
    cx.kernels.f32_conv2d(product, batch, last, packed, second, h.ptr, scratch);
    const state = [at.before, at.after, at.extra, at.y] as const;
    cx.kernels[cell.forward](params, at.x, h.ptr, ...state);
  }
  return { output: outputOf(cx, e, trace.hidden), extra: trace };
}

/** dy by the order of computation, [T,N,H]: 0 for steps whose output nobody reads. */
function gradientsByStep(cx: TrainContext, e: Extents, dy: Ref): Ref {
  const { batch, steps, attrs } = e;
  const { units, returnSequences } = attrs;
  const byStep = cx.zeros([steps, batch, units]);
  const [from, to] = [cx.f32(dy), cx.f32(byStep)];
  const kept = returnSequences ? steps : 1;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < kept; i++) {
      const s = steps - kept + i;
      const at = (n * kept + i) * units;
      to.set(from.subarray(at, at + units), (s * batch + n) * units);
    }
  }
  return byStep;
}

/** [N,T,H] by time: what the recurrent product of each step read. */
function previousByTime(cx: TrainContext, e: Extents, hidden: Ref): Ref {
  const { batch, steps, attrs } = e;
  const { units } = attrs;
  const previous = cx.alloc([batch, steps, units]);
  const [from, to] = [cx.f32(hidden), cx.f32(previous)];
  for (let n = 0; n < batch; n++) {
    for (let s = 0; s < steps; s++) {
      const at = (n * (steps + 1) + s) * units;
      to.set(from.subarray(at, at + units), (n * steps + e.timeOf(s)) * units);
    }
  }
  return previous;
}

/** Backpropagation through time, from the last step to the first. */
function throughTime(
  cx: TrainContext,
  cell: TrainedCell,
  e: Extents,
  dy: Ref,
  trace: Trace,
  recurrent: Ref,
): PreGradients {
  const { batch, steps, rows, attrs } = e;
  const { units } = attrs;
  const size = batch * units;
  const dx = cx.alloc([batch, steps, rows]);
  const dh = cell.exposed ? cx.alloc([batch, steps, rows]) : dx;
  const byStep = gradientsByStep(cx, e, dy);
  const dstate = cx.zeros([batch, units]);
  const back = cx.alloc([batch, units]);
  const params = cx.struct('RecurrentParams', historyParams(e));
  const product = cx.struct('ConvParams', e.stepFields(units, steps * rows));
  const packed = opaque(cx, packedTransposedF32Bytes(rows, units)).ptr;
  cx.kernels.f32_pack_weights_transposed(rows, units, recurrent.ptr, packed);
  const scratch = cx.scratch(f32InputGradientScratchBytes(units));
  for (let s = steps - 1; s >= 0; s--) {
    const { x: gates, before, extra } = stepOf(trace, e, s);
    const row = 4 * rows * e.timeOf(s);
    const above = byStep.ptr + 4 * size * s;
    const to = { dy: above, dstate: dstate.ptr, dx: dx.ptr + row, dh: dh.ptr + row };
    cell.backward(cx, params, { gates, before, extra, ...to });
    if (s === 0) break;
    cx.kernels.f32_conv2d_input_gradient(product, batch, to.dh, packed, back.ptr, scratch);
    const below = above - 4 * size;
    cx.kernels.f32_vadd(size, below, back.ptr, below);
    if (cell.exposed) cx.kernels.f32_vadd(size, below, dstate.ptr, below);
  }
  return { dx, dh };
}

/**
 * Gradients of x, kernel, recurrent kernel and bias. `previous` is what the recurrent products read, where that is not the
 * hidden state itself.
 */
export function recurrentBackward(
  cx: TrainContext,
  cell: TrainedCell,
  dy: Ref,
  { inputs, extra, wants }: Saved,
  attrs: RecurrentAttrs,
  read?: Ref,
): readonly (Ref | undefined)[] {
  const [x, kernel, recurrent] = inputs as readonly [Ref, Ref, Ref];
  const e = new Extents(cell, x.shape, attrs);
  const trace = extra as Trace;
  const gradients = throughTime(cx, cell, e, dy, trace, recurrent);
  const { dx, dh } = gradients;
  const { inputProduct: product } = e;
  const { units } = attrs;
  const dkernel = () => productWeightGradient(cx, product, dx, x, kernel.shape);
  const drecurrent = () => {
    const [from, to] = [units, e.rows].map((last) => [e.batch, 1, e.steps, last]);
    const fields = convFields(from!, to!, [1, 1], PLAIN_WINDOW);
    const previous = previousByTime(cx, e, read ?? trace.hidden);
    return productWeightGradient(
      cx,
      { n: e.rows, k: units, fields },
      dh,
      previous,
      recurrent.shape,
    );
  };
  return [
    wants[0] ? productInputGradient(cx, product, dx, kernel, x.shape) : undefined,
    wants[1] ? dkernel() : undefined,
    wants[2] ? drecurrent() : undefined,
    wants[3] ? cell.biasGradient(cx, gradients) : undefined,
  ];
}
