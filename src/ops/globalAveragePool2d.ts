import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import { averageGradient, averageQuantized, checkSum, lowerAverage } from './averagePool2d.ts';
import { globalPool, poolFields } from './geometry.ts';

/** y[n,c] = mean over pixels of x[n,·,·,c]      x [N,H,W,C], y [N,C] */
export const globalAveragePool2d = {
  name: 'globalAveragePool2d',
  inferShape([x]) {
    if (x?.length === 4) return [x[0]!, x[3]!];
    throw rangeError('globalAveragePool2d', 'the input must be [N,H,W,C]', x && showShape(x));
  },
} as const satisfies OpDef;

/** The kernels see one window of the size of the image: [N,1,1,C]. */
function windowOf(x: Shape): Shape {
  return [x[0]!, 1, 1, x[3]!];
}

export const globalAveragePool2dF32: F32Rule = {
  forward(cx, [x]) {
    const output = cx.alloc(globalAveragePool2d.inferShape([x!.shape]));
    const fields = poolFields(x!.shape, windowOf(x!.shape), globalPool(x!.shape));
    const params = cx.struct('PoolParams', fields);
    cx.kernels.f32_avgpool2d(params, x!.shape[0]!, x!.ptr, output.ptr);
    return { output };
  },
  backward(cx, dy, { inputs: [x] }) {
    const windows = { ...dy, shape: windowOf(x!.shape) };
    return [averageGradient(cx, windows, x!.shape, globalPool(x!.shape))];
  },
};

/** M = s_x / (s_y · H · W)      quantization.md eq. (13) */
export const globalAveragePool2dQat: QatRescaleRule = {
  kind: 'rescale',
  multipliers: ([inScale], outScale, [x]) =>
    Float32Array.of(inScale! / (outScale * x![1]! * x![2]!)),
  evaluate(cx, [x], out, multipliers) {
    const { shape } = x!.q;
    const y = averageQuantized(cx, x!, out, multipliers, globalPool(shape), windowOf(shape));
    return { ...y, shape: globalAveragePool2d.inferShape([shape]) };
  },
};

export const globalAveragePool2dForm: IntForm = {
  activations: 1,
  constants: () => factors(1),
  check(node, where) {
    const [, height, width] = node.x[0]!.shape;
    checkSum(node, height! * width!, where);
  },
};

export const globalAveragePool2dInt: IntRule = {
  lower(cx) {
    const { shape } = cx.x[0]!;
    lowerAverage(cx, globalPool(shape), windowOf(shape));
  },
};
