import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import { POOL_TEMPLATE, type PoolAttrs, poolFields, rowsOf, slidePool } from './geometry.ts';

/** y = max of the taps inside the image; the gradient goes to the first of equals      x [N,H,W,C] */
export const maxPool2d = {
  name: 'maxPool2d',
  inferShape([x], attrs) {
    return slidePool('maxPool2d', x ?? [], attrs);
  },
} as const satisfies OpDef<PoolAttrs>;

export const maxPool2dF32: F32Rule<PoolAttrs> = {
  forward(cx, [x], attrs) {
    const output = cx.alloc(maxPool2d.inferShape([x!.shape], attrs));
    const params = cx.struct('PoolParams', poolFields(x!.shape, output.shape, attrs));
    cx.kernels.f32_maxpool2d(params, x!.shape[0]!, x!.ptr, output.ptr);
    return { output };
  },
  backward(cx, dy, { inputs: [x], output }, attrs) {
    const dx = cx.alloc(x!.shape);
    const params = cx.struct('PoolParams', poolFields(x!.shape, output.shape, attrs));
    cx.kernels.f32_maxpool2d_backward(params, x!.shape[0]!, x!.ptr, output.ptr, dy.ptr, dx.ptr);
    return [dx];
  },
};

/** Integers compare as the reals they stand for. */
export const maxPool2dQat: QatKeepRule<PoolAttrs> = {
  kind: 'keep',
  forward(cx, { q, qmin, qmax }, attrs) {
    const y = cx.alloc(maxPool2d.inferShape([q.shape], attrs), 'i8');
    const fields = { ...poolFields(q.shape, y.shape, attrs), qmin, qmax };
    const params = cx.struct('PoolParams', fields);
    cx.kernels.qs8_maxpool2d(params, 0, rowsOf(y.shape), q.ptr, y.ptr);
    return y;
  },
  backward(cx, dy, { q }, y, attrs) {
    const dx = cx.alloc(q.shape);
    const params = cx.struct('PoolParams', poolFields(q.shape, y.shape, attrs));
    cx.kernels.qs8_maxpool2d_backward(params, q.shape[0]!, q.ptr, y.ptr, dy.ptr, dx.ptr);
    return dx;
  },
};

export const maxPool2dForm: IntForm<PoolAttrs> = {
  activations: 1,
  keepsScale: true,
  attrs: POOL_TEMPLATE,
};

export const maxPool2dInt: IntRule<PoolAttrs> = {
  lower(cx, attrs) {
    const [x] = cx.x;
    const { qmin, qmax } = cx.y.qparams;
    const fields = { ...poolFields(x!.shape, cx.y.shape, attrs), qmin, qmax };
    const params = cx.struct('PoolParams', fields);
    const rowTime = sizeOf(cx.y.shape.slice(2)) * attrs.poolSize[0] * attrs.poolSize[1];
    cx.parallel('qs8_maxpool2d', rowsOf(cx.y.shape), rowTime, (first, count) => {
      return [params, first, count, x!.ptr, cx.y.ptr];
    });
  },
};
