import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { sameShape, showShape, sizeOf } from '../core/shape.ts';
import { binaryFields, MOST_DISTANCE } from './binary.ts';

/** y = a + b      a, b, y [N,…], equal shapes */
export const add = {
  name: 'add',
  inferShape([a, b]) {
    if (!a || !b || !sameShape(a, b)) {
      throw rangeError(
        'add',
        'both inputs must have one shape',
        [a, b].map((s) => s && showShape(s)).join(' and '),
      );
    }
    return a;
  },
} as const satisfies OpDef;

export const addF32: F32Rule = {
  forward(cx, [a, b]) {
    const output = cx.alloc(a!.shape);
    cx.kernels.f32_vadd(sizeOf(a!.shape), a!.ptr, b!.ptr, output.ptr);
    return { output };
  },
  backward: (_cx, dy) => [dy, dy],
};

function addFields(
  operands: Parameters<typeof binaryFields>[0],
  multipliers: Float32Array,
  out: Parameters<typeof binaryFields>[2],
) {
  const most = MOST_DISTANCE * (Math.abs(multipliers[0]!) + Math.abs(multipliers[1]!));
  return binaryFields(operands, multipliers, out, most);
}

/** M_a = s_a / s_y, M_b = s_b / s_y      quantization.md eq. (12) */
export const addQat: QatRescaleRule = {
  kind: 'rescale',
  multipliers: (inScales, outScale) => Float32Array.from(inScales, (scale) => scale / outScale),
  evaluate(cx, [a, b], out, multipliers) {
    const y = cx.alloc(a!.q.shape, 'i8');
    const params = cx.struct('BinaryParams', addFields([a!, b!], multipliers, out));
    cx.kernels.qs8_vadd(sizeOf(y.shape), a!.q.ptr, b!.q.ptr, y.ptr, params);
    return y;
  },
};

export const addForm: IntForm = { activations: 2, constants: () => factors(2) };

export const addInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [a, b] = cx.x;
    const zeroPoints = [a!.qparams, b!.qparams];
    const fields = addFields(zeroPoints, Float32Array.from(cx.constants[0]!.data), cx.y.qparams);
    const params = cx.struct('BinaryParams', fields);
    cx.call('qs8_vadd', sizeOf(cx.y.shape), a!.ptr, b!.ptr, cx.y.ptr, params);
  },
};
