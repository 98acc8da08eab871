import { internal } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, IntValue, Lowering, OpDef } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

function sameAsInput([x]: readonly Shape[]): Shape {
  if (!x) throw internal('the op needs an input');
  return x;
}

/** Reals to integers      quantization.md eq. (3); among floats nothing changes */
export const quantize = { name: 'quantize', inferShape: sameAsInput } as const satisfies OpDef;

/** Integers to reals      quantization.md eq. (2); among floats nothing changes */
export const dequantize = { name: 'dequantize', inferShape: sameAsInput } as const satisfies OpDef;

export const identityF32: F32Rule = {
  forward: (_cx, [x]) => ({ output: x! }),
  backward: (_cx, dy) => [dy],
};

export const quantizeForm: IntForm = { activations: 1, from: ['f32'], to: ['i8', 'u8'] };
export const dequantizeForm: IntForm = { activations: 1, from: ['i8', 'u8'], to: ['f32'] };

/** The struct of a tensor's parameters as those of i8: the kernels know no u8, which is the same 128 lower. */
function quantizeParams(cx: Lowering, { dtype, qparams }: IntValue): number {
  const shift = dtype === 'u8' ? 128 : 0;
  const scale = qparams.scale[0]!;
  return cx.struct('QuantizeParams', {
    scale,
    inverseScale: Math.fround(1 / scale),
    zeroPoint: qparams.zeroPoint - shift,
    qmin: qparams.qmin - shift,
    qmax: qparams.qmax - shift,
  });
}

export const quantizeInt: IntRule = {
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const n = sizeOf(y.shape);
    const params = quantizeParams(cx, y);
    cx.parallel(
      'f32_qs8_vquantize',
      n,
      5,
      (first, count) => {
        return [count, x!.ptr + 4 * first, y.ptr + first, params];
      },
      64,
    );
    if (y.dtype === 'u8') cx.call('x8_xor', n, y.ptr, y.ptr, 128);
  },
};

export const dequantizeInt: IntRule = {
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const n = sizeOf(y.shape);
    const params = quantizeParams(cx, x!);
    const from = x!.dtype === 'u8' ? cx.scratch(n) : x!.ptr;
    if (x!.dtype === 'u8') cx.call('x8_xor', n, x!.ptr, from, 128);
    cx.parallel(
      'qs8_f32_vdequantize',
      n,
      5,
      (first, count) => {
        return [count, from + first, y.ptr + 4 * first, params];
      },
      64,
    );
  },
};
