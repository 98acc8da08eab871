import { rangeError } from '../core/errors.ts';
import { FUNCTION_SCRATCH_BYTES } from '../core/f32Layout.ts';
import { type FormNode, factors, type IntForm } from '../core/form.ts';
import { exp } from '../core/math.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule, Ref, TrainContext } from '../core/op.ts';
import { showShape } from '../core/shape.ts';
import { rescaleFields, rowsOf } from './reduce.ts';

/** y_i = exp(x_i) / Σ exp(x_j) over the last axis      x [N,…] */
export const softmax = {
  name: 'softmax',
  inferShape([x]) {
    if (x && x.length >= 2) return x;
    throw rangeError('softmax', 'the input must be [N,…]', x && showShape(x));
  },
} as const satisfies OpDef;

/** As one matrix of attention that sees everything, with beta = 1. */
export const softmaxF32: F32Rule = {
  forward: (cx, [x]) => ({ output: softmaxForward(cx, x!, 1, 0) }),
  backward: (cx, dy, { output }) => [softmaxBackward(cx, dy, output, 1)],
};

/** Rows of `queries` > 0 see the keys that are not later than they. */
export function softmaxForward(cx: TrainContext, x: Ref, beta: number, queries: number): Ref {
  const { rows, n } = rowsOf(x.shape);
  const y = cx.alloc(x.shape);
  const constants = cx.scratch(FUNCTION_SCRATCH_BYTES);
  cx.kernels.f32_softmax(0, rows, n, queries, x.ptr, beta, y.ptr, constants);
  return y;
}

/** dx_i = beta · y_i · (dy_i − Σ dy_j·y_j), 0 where y is: what is not seen has no part */
export function softmaxBackward(cx: TrainContext, dy: Ref, y: Ref, beta: number): Ref {
  const { rows, n } = rowsOf(dy.shape);
  const dx = cx.alloc(dy.shape);
  cx.kernels.f32_softmax_backward(rows, n, y.ptr, dy.ptr, beta, dx.ptr);
  return dx;
}

/** table[d] = exp(−d · scale · beta), for m − x_i = d; beta is a factor before the exponential, 1 by itself. */
export function softmaxTable(scale: number, beta = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 256 }, (_, d) => exp(-d * scale * beta));
}

/** The output is in [0, 1]: 256 steps of 1/256, and M = 256      quantization.md eq. (23) */
export const softmaxQat: QatRescaleRule = {
  kind: 'rescale',
  output: { scale: 0.00390625, zeroPoint: -128 },
  table: ([inScale]) => softmaxTable(inScale!),
  multipliers: (_inScales, outScale) => Float32Array.of(1 / outScale),
  evaluate(cx, [x], out, multipliers) {
    const { rows, n } = rowsOf(x!.q.shape);
    const y = cx.alloc(x!.q.shape, 'i8');
    const table = cx.alloc([256]);
    cx.f32(table).set(softmaxTable(x!.scale));
    const params = cx.struct('RescaleParams', rescaleFields(x!, multipliers[0]!, out));
    cx.kernels.qs8_softmax(rows, n, x!.q.ptr, table.ptr, y.ptr, params);
    return y;
  },
};

/** With table[0] = 1 a sum is at least 1, and no u is NaN. */
export function checkTable({ constants: [table] }: FormNode, where: string): void {
  const wrong = Array.from(table!.data!).find((e, d) => !(e >= 0 && e <= 1) || (d === 0 && e < 1));
  if (wrong === undefined) return;
  throw rangeError(where, 'the table must begin with 1 and lie in [0, 1]', wrong);
}

export const softmaxForm: IntForm = {
  activations: 1,
  constants: () => [{ name: 'table', dtype: 'f32', lengths: [256] }, ...factors(1)],
  check: checkTable,
};

export const softmaxInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const [table, multiplier] = cx.constants;
    const { rows, n } = rowsOf(y.shape);
    const entries = cx.constant(Float32Array.from(table!.data));
    const fields = rescaleFields(x!.qparams, multiplier!.data[0]!, y.qparams);
    const params = cx.struct('RescaleParams', fields);
    cx.parallel('qs8_softmax', rows, 60 * n, (first, count) => {
      return [count, n, x!.ptr + first * n, entries, y.ptr + first * n, params];
    });
  },
};
