import type { QuantizerRule } from '../autograd/quantizer.ts';
import { sizeOf } from '../core/shape.ts';
import {
  elementsPerSample,
  gradientScale,
  quantizeWeights,
  rangeOf,
  scalar,
  weightGradients,
} from './kernels.ts';

/**
 * Learned step size (Esser 2020, arXiv 1902.08153) for weights, symmetric per channel; learned scale and zero point for
 * activations, the zero point a float that the forward clamps and rounds (quantization.md eq. (15) to (18)).
 */
export const lsq: QuantizerRule = {
  range: rangeOf,

  rangeGradients(cx, sums, shape, spec) {
    const h = gradientScale(elementsPerSample(shape), spec.qmax - spec.qmin);
    const learned = spec.zeroPoint && { dzeroPoint: scalar(cx, sums.zeroPoint * h) };
    return { dscale: scalar(cx, sums.scale * h), ...learned };
  },

  quantizeWeights(cx, w, refs, spec) {
    return quantizeWeights(cx, w, refs.scale, spec);
  },

  /** N in h is the weights that share the scale, those of one channel: the whole tensor's would shrink the step by
   * sqrt(channels). */
  backwardWeights(cx, dy, w, refs, spec) {
    const { dx, dscale } = weightGradients(cx, dy, w, refs.scale, spec);
    const scales = dscale.shape[0]!;
    const h = gradientScale(sizeOf(w.shape) / scales, spec.qmax);
    cx.kernels.f32_vscale(scales, dscale.ptr, h, dscale.ptr);
    return { dx, dscale };
  },
};
