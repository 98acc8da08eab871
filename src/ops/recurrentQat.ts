/** How recurrent layers train on integers: those of quantization.md eq. (30) to (33), with gradients of the float layer. */

import { conv2dScratchBytes, packedWeightsBytes, paddedDepth } from '../core/int8Layout.ts';
import { sigmoid } from '../core/math.ts';
import type { QatRecurrentRule, QRef, QWeights, Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import { epilogueParams, opaque } from './linear.ts';
import { productQuantized } from './product.ts';
import { Extents, type RecurrentAttrs, TABLE_ENTRIES } from './recurrent.ts';
import {
  historyOf,
  historyParams,
  newTrace,
  outputOf,
  recurrentBackward,
  stepOf,
  type Trace,
  type TrainedCell,
} from './recurrentF32.ts';
import type { GateKernel } from './recurrentInt.ts';

/** Entries of the table for a real 1. */
const STEPS = 64;

/** h is in [−1, 1], its integers are those of 1/128. */
const HIDDEN = { scale: 1 / 128, zeroPoint: 0, qmin: -128, qmax: 127 } as const;

/** Entry i is the sigmoid of (i − 512) / 64. */
export function gateTable(): Float32Array<ArrayBuffer> {
  const middle = TABLE_ENTRIES / 2;
  return Float32Array.from({ length: TABLE_ENTRIES }, (_, i) => sigmoid((i - middle) / STEPS));
}

/**
 * M_x, B_x, M_h and B_h [4,G·H]: from accumulators and biases to entries of the table, twice as many for the gate that goes
 * through tanh. In f64, rounded once.
 */
export function gateFactors(
  { biases }: { readonly biases: 1 | 2 },
  units: number,
  inScale: number,
  [kernel, recurrent]: readonly [ArrayLike<number>, ArrayLike<number>],
  bias: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const rows = kernel.length;
  const factors = new Float32Array(4 * rows);
  for (let r = 0; r < rows; r++) {
    const steps = Math.floor(r / units) === 2 ? 2 * STEPS : STEPS;
    factors[r] = inScale * kernel[r]! * steps;
    factors[rows + r] = bias[r]! * steps;
    factors[2 * rows + r] = HIDDEN.scale * recurrent[r]! * steps;
    factors[3 * rows + r] = biases === 2 ? bias[rows + r]! * steps : 0;
  }
  return factors;
}

/** What a forward keeps. */
interface QuantizedTrace {
  readonly trace: Trace;
  /** i8 [N,T+1,H]: what the recurrent products read. */
  readonly hidden: Ref;
}

export function recurrentQat(
  cell: TrainedCell,
  kernel: GateKernel,
): QatRecurrentRule<RecurrentAttrs> {
  return {
    kind: 'recurrent',
    channelAxis: 0,
    constants: (inScale, weights, bias, { units }) => [
      {
        name: 'factors',
        shape: [4, weights[0].length],
        data: gateFactors(cell, units, inScale, weights, bias),
      },
      { name: 'table', shape: [TABLE_ENTRIES], data: gateTable() },
    ],
    forward: (cx, x, weights, bias, attrs) =>
      quantizedForward(cx, cell, kernel, x, weights, bias, attrs),
    backward(cx, dy, saved, attrs) {
      const { trace, hidden } = saved.extra as QuantizedTrace;
      const read = cx.alloc(hidden.shape);
      const params = cx.struct('QuantizeParams', { ...HIDDEN, inverseScale: 1 / HIDDEN.scale });
      cx.kernels.qs8_f32_vdequantize(sizeOf(read.shape), hidden.ptr, read.ptr, params);
      return recurrentBackward(cx, cell, dy, { ...saved, extra: trace }, attrs, read);
    },
  };
}

function quantizedForward(
  cx: TrainContext,
  cell: TrainedCell,
  kernel: GateKernel,
  x: QRef,
  weights: readonly [QWeights, QWeights],
  bias: ArrayLike<number>,
  attrs: RecurrentAttrs,
): { output: Ref; extra: QuantizedTrace } {
  const e = new Extents(cell, x.q.shape, attrs);
  const { batch, steps, rows } = e;
  const { units } = attrs;
  const scales = [weights[0].scale, weights[1].scale] as const;
  const factors = gateFactors(cell, units, x.scale, scales, bias);
  const row = (i: number) => factors.subarray(i * rows, (i + 1) * rows);
  const shape = [batch, steps, rows];
  const inputs = { multiplier: row(0), addend: row(1) };
  const gates = productQuantized(cx, e.inputProduct, x, weights[0].q, shape, inputs);
  const trace = newTrace(cx, cell, e, gates);
  const hidden = cx.zeros(historyOf(e), 'i8');
  const recur = recurrentProduct(cx, e, { ...HIDDEN, q: hidden }, weights[1].q, {
    multiplier: row(2),
    addend: row(3),
  });
  const table = cx.alloc([TABLE_ENTRIES]);
  cx.f32(table).set(gateTable());
  const params = cx.struct('RecurrentParams', { ...historyParams(e), table: table.ptr });
  const products = cx.alloc([steps, batch, rows]);
  for (let s = 0; s < steps; s++) {
    const at = stepOf(trace, e, s);
    const h = products.ptr + 4 * batch * rows * s;
    const [last, next] = [hidden.ptr + units * s, hidden.ptr + units * (s + 1)];
    recur(last, h);
    cx.kernels[kernel](params, at.x, h, at.before, at.after, at.y, next);
  }
  keepExtra(cx, cell, e, products, trace.extra);
  return { output: outputOf(cx, e, trace.hidden), extra: { trace, hidden } };
}

/** What the kernels leave in one block of the products of each step: tanh of the state, or the inner part of g in entries. */
function keepExtra(cx: TrainContext, cell: TrainedCell, e: Extents, products: Ref, extra: Ref) {
  const { batch, steps, rows, attrs } = e;
  const { units } = attrs;
  const block = cell.exposed ? 2 * units : 0;
  const unit = cell.exposed ? 1 / (2 * STEPS) : 1;
  const [from, to] = [cx.f32(products), cx.f32(extra)];
  for (let s = 0; s < steps; s++) {
    for (let n = 0; n < batch; n++) {
      const at = (s * batch + n) * rows + block;
      const place = (n * (steps + 1) + s + 1) * units;
      for (let j = 0; j < units; j++) to[place + j] = from[at + j]! * unit;
    }
  }
}

/** The product of the hidden state at an address with the recurrent kernel, with the weights packed once. */
function recurrentProduct(
  cx: TrainContext,
  e: Extents,
  x: QRef,
  w: Ref,
  epilogue: { readonly multiplier: Float32Array; readonly addend: Float32Array },
): (from: number, to: number) => void {
  const { batch, steps, rows, attrs } = e;
  const fields = e.stepFields((steps + 1) * attrs.units, rows);
  const params = epilogueParams(cx, fields, x, epilogue);
  const depth = paddedDepth(fields);
  const packed = opaque(cx, packedWeightsBytes(rows, depth)).ptr;
  cx.kernels.qs8_pack_weights(rows, 1, attrs.units, 0, w.ptr, packed);
  const scratch = cx.scratch(conv2dScratchBytes(depth));
  return (from, to) => {
    cx.kernels.qs8_f32_conv2d(params, 0, batch, from, packed, to, scratch);
  };
}
