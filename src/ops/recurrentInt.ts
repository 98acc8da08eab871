/** How recurrent layers run: quantization.md eq. (30) to (33). */

import { rangeError } from '../core/errors.ts';
import type { FormNode, FormValue, IntForm } from '../core/form.ts';
import { conv2dScratchBytes, packedWeightsBytes, paddedDepth } from '../core/int8Layout.ts';
import type { IntRule, Lowering } from '../core/op.ts';
import { accumulatorBounds, looseBound, MAX_ACCUMULATOR } from '../core/overflow.ts';
import { sameShape, showShape, sizeOf } from '../core/shape.ts';
import { type ConvFields, roundUp8 } from './linear.ts';
import {
  type Cell,
  Extents,
  RECURRENT_TEMPLATE,
  type RecurrentAttrs,
  recurrentShape,
  TABLE_ENTRIES,
} from './recurrent.ts';

/** [x, kernel i8 [G·H,C], recurrent kernel i8 [G·H,H], factors f32 [4,G·H]: M_x, B_x, M_h, B_h, table f32 [1024]] */
export function recurrentForm(cell: Cell): IntForm<RecurrentAttrs> {
  return {
    activations: 1,
    attrs: RECURRENT_TEMPLATE,
    constants: () => [
      { name: 'kernel', dtype: 'i8' },
      { name: 'recurrent kernel', dtype: 'i8' },
      { name: 'factors', dtype: 'f32' },
      { name: 'table', dtype: 'f32', lengths: [TABLE_ENTRIES] },
    ],
    check: (node, where) => checkRecurrent(cell, node, where),
  };
}

function checkRecurrent(cell: Cell, node: FormNode<RecurrentAttrs>, where: string): void {
  const { attrs, constants } = node;
  const [kernel, recurrent, factors, table] = constants as readonly FormValue[];
  const [x] = node.x as readonly [FormValue];
  recurrentShape(cell, [x.shape, kernel!.shape, recurrent!.shape], attrs);
  const expected = [4, cell.gates * attrs.units];
  if (!sameShape(factors!.shape, expected)) {
    const got = showShape(factors!.shape);
    throw rangeError(`${where}: factors`, `the shape must be ${showShape(expected)}`, got);
  }
  checkWeights(kernel!, x.qparams!.zeroPoint, `${where}: kernel`);
  checkWeights(recurrent!, 0, `${where}: recurrent kernel`);
  // States then stay finite, and no pre-activation is NaN.
  const wrong = Array.from(table!.data!).find((entry) => !(entry >= 0 && entry <= 1));
  if (wrong === undefined) return;
  throw rangeError(where, 'the table must lie in [0, 1]', wrong);
}

/** Symmetric, and no accumulator leaves int32      eq. (11) */
function checkWeights({ data, shape, qparams }: FormValue, zeroPoint: number, where: string): void {
  if (qparams?.zeroPoint !== 0) {
    throw rangeError(where, 'the zero point must be 0', qparams ? qparams.zeroPoint : 'none');
  }
  const [channels, inner] = shape as readonly [number, number];
  const weights = { data: data as Int8Array, channels, inner };
  if (looseBound(weights, zeroPoint, undefined) <= MAX_ACCUMULATOR) return;
  const bounds = accumulatorBounds(weights, zeroPoint, undefined);
  const worst = bounds.findIndex((bound) => bound > MAX_ACCUMULATOR);
  if (worst < 0) return;
  const expected = `the accumulator of row ${worst} must stay below 2^31`;
  throw rangeError(where, expected, bounds[worst]);
}

export type GateKernel = 'f32_qs8_lstm_gates' | 'f32_qs8_gru_gates';

export function recurrentInt(cell: Cell, kernel: GateKernel): IntRule<RecurrentAttrs> {
  return { lower: (cx, attrs) => lowerRecurrent(cx, cell, kernel, attrs) };
}

/** One product for the inputs of all steps, a product and the gates for each, and the rounding of what comes out. */
function lowerRecurrent(cx: Lowering, cell: Cell, kernel: GateKernel, attrs: RecurrentAttrs): void {
  const e = new Extents(cell, cx.x[0]!.shape, attrs);
  const { batch, steps, rows } = e;
  const { units, returnSequences } = attrs;
  const gates = lowerInputs(cx, e);
  const recur = recurrentProduct(cx, e);
  const kept = returnSequences ? steps : 1;
  const params = cx.struct('RecurrentParams', {
    ...{ batch, units, gateStride: steps * rows, stateStride: units, outStride: kept * units },
    table: cx.constant(Float32Array.from(cx.constants[3]!.data)),
  });
  const [h, state] = [cx.scratch(4 * batch * rows), cx.scratch(4 * batch * units)];
  const y = cx.scratch(4 * batch * kept * units);
  const q = cx.scratch(batch * units);
  const zeroState = cx.constant(new Float32Array(batch * units));
  const zeroHidden = cx.constant(new Int8Array(batch * units));
  for (let s = 0; s < steps; s++) {
    recur(s === 0 ? zeroHidden : q, h);
    const before = s === 0 ? zeroState : state;
    const x = gates + 4 * rows * e.timeOf(s);
    const to = y + (returnSequences ? 4 * units * s : 0);
    cx.call(kernel, params, x, h, before, state, to, q);
  }
  lowerRounding(cx, y);
}

/** y by (3). */
function lowerRounding(cx: Lowering, reals: number): void {
  const { zeroPoint, qmin, qmax, scale: scales } = cx.y.qparams;
  const scale = scales[0]!;
  const inverseScale = Math.fround(1 / scale);
  const params = cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
  cx.call('f32_qs8_vquantize', sizeOf(cx.y.shape), reals, cx.y.ptr, params);
}

/** Address of the input's part of the pre-activations, f32 [N,T,G·H]. */
function lowerInputs(cx: Lowering, e: Extents): number {
  const { batch, steps, features, rows, inputProduct } = e;
  const { zeroPoint } = cx.x[0]!.qparams;
  const { params, packed, scratchBytes } = product(cx, inputProduct.fields, 0, zeroPoint);
  const gates = cx.scratch(4 * batch * steps * rows);
  const x = cx.x[0]!.ptr;
  // A tile takes four pixels.
  const grain = 4;
  cx.parallel(
    'qs8_f32_conv2d',
    batch * steps,
    rows * features,
    (first, count) => [params, first, count, x, packed, gates, cx.scratch(scratchBytes)],
    grain,
  );
  return gates;
}

/** Calls the product of a hidden state i8 [N,H] with the recurrent kernel, to f32 [N,G·H]. */
function recurrentProduct(cx: Lowering, e: Extents): (hidden: number, h: number) => void {
  const fields = e.stepFields(e.attrs.units, e.rows);
  const { params, packed, scratchBytes } = product(cx, fields, 1, 0);
  const scratch = cx.scratch(scratchBytes);
  return (hidden, h) => {
    cx.call('qs8_f32_conv2d', params, 0, e.batch, hidden, packed, h, scratch);
  };
}

/** The kernel (0) or the recurrent kernel (1) as a product of pixels that gives u of (7). */
function product(cx: Lowering, geometry: ConvFields, which: 0 | 1, inZeroPoint: number) {
  const { outChannels: n, inChannels: k } = geometry;
  const { data } = cx.constants[which]!;
  const factors = Float32Array.from(cx.constants[2]!.data);
  const length = roundUp8(n);
  const row = (i: number) => cx.constant(factors.subarray(i * n, (i + 1) * n), length);
  const fields = {
    ...geometry,
    inZeroPoint,
    bias: cx.constant(new Int32Array(length)),
    multiplier: row(2 * which),
    addend: row(2 * which + 1),
  };
  const depth = paddedDepth(geometry);
  const weights = data instanceof Int8Array ? data : Int8Array.from(data);
  const packed = cx.packed(packedWeightsBytes(n, depth), weights, (from, to) =>
    cx.kernels.qs8_pack_weights(n, 1, k, 0, from, to),
  );
  const params = cx.struct('ConvParams', fields);
  return { params, packed, scratchBytes: conv2dScratchBytes(depth) };
}
