import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { MAX_ACCUMULATOR, maxDistance } from '../core/overflow.ts';
import { showShape } from '../core/shape.ts';
import { rescaleFields, rowsOf } from './reduce.ts';

/** y = x / sqrt(Σ x²) over the last axis, 0 where all of it is 0      x [N,…] */
export const l2Normalize = {
  name: 'l2Normalize',
  inferShape([x]) {
    if (x && x.length >= 2) return x;
    throw rangeError('l2Normalize', 'the input must be [N,…]', x && showShape(x));
  },
} as const satisfies OpDef;

/** dx = (dy − y · Σ dy·y) / |x| */
export const l2NormalizeF32: F32Rule = {
  forward(cx, [x]) {
    const output = cx.alloc(x!.shape);
    const { rows, n } = rowsOf(x!.shape);
    cx.kernels.f32_l2norm(rows, n, x!.ptr, output.ptr);
    return { output };
  },
  backward(cx, dy, { inputs: [x], output }) {
    const dx = cx.alloc(dy.shape);
    const { rows, n } = rowsOf(dy.shape);
    cx.kernels.f32_l2norm_backward(rows, n, x!.ptr, output.ptr, dy.ptr, dx.ptr);
    return [dx];
  },
};

/** M = 1 / s_y */
export const l2NormalizeQat: QatRescaleRule = {
  kind: 'rescale',
  multipliers: (_inScales, outScale) => Float32Array.of(1 / outScale),
  evaluate(cx, [x], out, multipliers) {
    const { rows, n } = rowsOf(x!.q.shape);
    const y = cx.alloc(x!.q.shape, 'i8');
    const params = cx.struct('RescaleParams', rescaleFields(x!, multipliers[0]!, out));
    cx.kernels.qs8_l2norm(rows, n, x!.q.ptr, y.ptr, params);
    return y;
  },
};

export const l2NormalizeForm: IntForm = {
  activations: 1,
  constants: () => factors(1),
  check({ x: [x] }, where) {
    const n = x!.shape.at(-1)!;
    if (n * maxDistance(x!.qparams!.zeroPoint) ** 2 <= MAX_ACCUMULATOR) return;
    throw rangeError(where, 'the sum of squares must stay below 2^31', `${n} terms`);
  },
};

export const l2NormalizeInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const { rows, n } = rowsOf(y.shape);
    const fields = rescaleFields(x!.qparams, cx.constants[0]!.data[0]!, y.qparams);
    const params = cx.struct('RescaleParams', fields);
    cx.parallel('qs8_l2norm', rows, 20 * n, (first, count) => {
      return [count, n, x!.ptr + first * n, y.ptr + first * n, params];
    });
  },
};
