import { rangeError } from '../core/errors.ts';
import { type FormNode, factors, type IntForm } from '../core/form.ts';
import type {
  F32Rule,
  IntRule,
  Lowering,
  OpDef,
  QatRescaleRule,
  QRef,
  Ref,
  TrainContext,
} from '../core/op.ts';
import { MAX_ACCUMULATOR, maxDistance } from '../core/overflow.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { POOL_TEMPLATE, type PoolAttrs, poolFields, rowsOf, slidePool } from './geometry.ts';

/** y = mean of the taps inside the image; those outside do not count      x [N,H,W,C] */
export const averagePool2d = {
  name: 'averagePool2d',
  inferShape([x], attrs) {
    return slidePool('averagePool2d', x ?? [], attrs);
  },
} as const satisfies OpDef<PoolAttrs>;

export const averagePool2dF32: F32Rule<PoolAttrs> = {
  forward(cx, [x], attrs) {
    const output = cx.alloc(averagePool2d.inferShape([x!.shape], attrs));
    const params = cx.struct('PoolParams', poolFields(x!.shape, output.shape, attrs));
    cx.kernels.f32_avgpool2d(params, x!.shape[0]!, x!.ptr, output.ptr);
    return { output };
  },
  backward: (cx, dy, { inputs: [x] }, attrs) => [averageGradient(cx, dy, x!.shape, attrs)],
};

export function averageGradient(cx: TrainContext, dy: Ref, xShape: Shape, attrs: PoolAttrs): Ref {
  const dx = cx.alloc(xShape);
  const params = cx.struct('PoolParams', poolFields(xShape, dy.shape, attrs));
  cx.kernels.f32_avgpool2d_backward(params, xShape[0]!, dy.ptr, dx.ptr);
  return dx;
}

/** M[count] = s_x / (s_y · count), one entry where the count is always the same      quantization.md eq. (13) */
export const averagePool2dQat: QatRescaleRule<PoolAttrs> = {
  kind: 'rescale',
  multipliers([inScale], outScale, _shapes, attrs) {
    const taps = attrs.poolSize[0] * attrs.poolSize[1];
    const padded = attrs.padding.flat().some((pad) => pad > 0);
    if (!padded) return Float32Array.of(inScale! / (outScale * taps));
    return Float32Array.from({ length: taps }, (_, i) => inScale! / (outScale * (i + 1)));
  },
  evaluate(cx, [x], out, multipliers, attrs) {
    const shape = averagePool2d.inferShape([x!.q.shape], attrs);
    return averageQuantized(cx, x!, out, multipliers, attrs, shape);
  },
};

export function averageQuantized(
  cx: TrainContext,
  x: QRef,
  out: Omit<QRef, 'q'>,
  multipliers: Float32Array,
  attrs: PoolAttrs,
  windows: Shape,
): Ref {
  const y = cx.alloc(windows, 'i8');
  const table = cx.alloc([multipliers.length]);
  cx.f32(table).set(multipliers);
  const params = cx.struct('PoolParams', {
    ...poolFields(x.q.shape, windows, attrs),
    inZeroPoint: x.zeroPoint,
    outZeroPoint: out.zeroPoint,
    qmin: out.qmin,
    qmax: out.qmax,
    multiplier: table.ptr,
    multiplierStride: multipliers.length > 1 ? 1 : 0,
  });
  cx.kernels.qs8_avgpool2d(params, 0, rowsOf(windows), x.q.ptr, y.ptr);
  return y;
}

export const averagePool2dForm: IntForm<PoolAttrs> = {
  activations: 1,
  constants: ({ poolSize }) => factors(1, poolSize[0] * poolSize[1]),
  attrs: POOL_TEMPLATE,
  check(node, where) {
    const { poolSize } = node.attrs;
    checkSum(node, poolSize[0] * poolSize[1], where);
  },
};

/** The sum of `count` elements of x fits in int32. */
export function checkSum({ x }: FormNode, count: number, where: string): void {
  if (count * maxDistance(x[0]!.qparams!.zeroPoint) <= MAX_ACCUMULATOR) return;
  throw rangeError(where, 'the sum must stay below 2^31', `${count} addends`);
}

export const averagePool2dInt: IntRule<PoolAttrs> = {
  lower: (cx, attrs) => lowerAverage(cx, attrs, cx.y.shape),
};

/** `windows` is [N, outHeight, outWidth, C]. */
export function lowerAverage(cx: Lowering, attrs: PoolAttrs, windows: Shape): void {
  const [x] = cx.x;
  const multipliers = Float32Array.from(cx.constants[0]!.data);
  const { zeroPoint, qmin, qmax } = cx.y.qparams;
  const params = cx.struct('PoolParams', {
    ...poolFields(x!.shape, windows, attrs),
    inZeroPoint: x!.qparams.zeroPoint,
    outZeroPoint: zeroPoint,
    qmin,
    qmax,
    multiplier: cx.constant(multipliers),
    multiplierStride: multipliers.length > 1 ? 1 : 0,
  });
  const rowTime = sizeOf(windows.slice(2)) * attrs.poolSize[0] * attrs.poolSize[1];
  cx.parallel('qs8_avgpool2d', rowsOf(windows), rowTime, (first, count) => {
    return [params, first, count, x!.ptr, cx.y.ptr];
  });
}
