import { internal } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule, QRef } from '../core/op.ts';
import { quantize } from '../core/rounding.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { identity, pointwiseRule } from './pointwise.ts';

function sameAsInput([x]: readonly Shape[]): Shape {
  if (!x) throw internal('a clamp needs an input');
  return x;
}

/** y = max(x, 0) */
export const relu = { name: 'relu', inferShape: sameAsInput } as const satisfies OpDef;

/** y = min(max(x, 0), 6) */
export const relu6 = { name: 'relu6', inferShape: sameAsInput } as const satisfies OpDef;

/** The derivative is taken as 0 at both kinks. */
function clampF32(lo: number, hi: number): F32Rule {
  return pointwiseRule((_cx, x) => {
    const before = x.pending ?? identity(x.ref);
    return { ...before, lo: Math.max(lo, before.lo), hi: Math.min(hi, before.hi) };
  });
}

// Marked pure so that a bundle without training drops them.
export const reluF32 = /* @__PURE__ */ clampF32(0, Infinity);
export const relu6F32 = /* @__PURE__ */ clampF32(0, 6);

/** Bounds of the integers after relu (hi = ∞) or relu6 (hi = 6): real 0 is the zero point. */
export function clampBounds(
  { scale, zeroPoint, qmin, qmax }: Omit<QRef, 'q'>,
  hi: number,
): { qmin: number; qmax: number } {
  const inverse = Math.fround(1 / scale);
  const top = hi === Infinity ? qmax : quantize(hi, inverse, zeroPoint, qmin, qmax);
  return { qmin: Math.max(qmin, zeroPoint), qmax: top };
}

function clampQat(hi: number): QatKeepRule {
  return {
    kind: 'keep',
    forward(cx, x) {
      const y = cx.alloc(x.q.shape, 'i8');
      const { qmin, qmax } = clampBounds(x, hi);
      cx.kernels.qs8_vclamp(sizeOf(y.shape), x.q.ptr, y.ptr, qmin, qmax);
      return y;
    },
    /** The float rule on x̂: straight through where 0 < x̂ < hi. ŷ would not do, it may be just below hi when clamped. */
    backward(cx, dy, x) {
      const { scale, zeroPoint, qmin, qmax } = x;
      const dx = cx.alloc(dy.shape);
      const real = cx.alloc(dy.shape);
      const inverseScale = Math.fround(1 / scale);
      const params = cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
      const size = sizeOf(dy.shape);
      cx.kernels.qs8_f32_vdequantize(size, x.q.ptr, real.ptr, params);
      cx.kernels.f32_vclamp_backward(size, real.ptr, dy.ptr, dx.ptr, 0, hi);
      return dx;
    },
  };
}

export const reluQat = /* @__PURE__ */ clampQat(Infinity);
export const relu6Qat = /* @__PURE__ */ clampQat(6);

export const clampForm: IntForm = { activations: 1, keepsScale: true };

/** The bounds are those of the output's quantization parameters. */
export const clampInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const { qmin, qmax } = cx.y.qparams;
    cx.call('qs8_vclamp', sizeOf(cx.y.shape), cx.x[0]!.ptr, cx.y.ptr, qmin, qmax);
  },
};
