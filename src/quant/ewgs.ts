import { sizeOf } from '../core/shape.ts';
import { scalar } from './kernels.ts';
import { lsq } from './lsq.ts';
import type { Method } from './method.ts';
import { scaleLayout } from './weightLayout.ts';

/**
 * Element-wise gradient scaling (Lee 2021, arXiv 2104.00903): LSQ, but the gradient of what is rounded grows where it points away
 * from the integer and shrinks where it points to it, by up to δ half a step of the range at 1 (quantization.md eq. (43)).
 * The paper's fixed δ is 10⁻³.
 */
export function ewgsWith(delta: number): Method {
  return {
    ...lsq,

    adjustGradient(cx, dx, y, { scale }, { qmin, qmax }) {
      const step = scalar(cx, scale);
      const factor = delta / (qmax - qmin);
      cx.kernels.f32_ewgs(1, 1, sizeOf(y.shape), y.ptr, step.ptr, dx.ptr, factor);
    },

    backwardWeights(cx, dy, w, refs, spec) {
      const gradients = lsq.backwardWeights(cx, dy, w, refs, spec);
      const { outer, channels, inner } = scaleLayout(w.shape, spec);
      const factor = delta / (spec.qmax - spec.qmin);
      cx.kernels.f32_ewgs(
        ...([outer, channels, inner, w.ptr, refs.scale.ptr, gradients.dx.ptr, factor] as const),
      );
      return gradients;
    },
  };
}

export const ewgs = ewgsWith(1e-3);
