import type { QuantizerRule } from '../autograd/quantizer.ts';
import { sizeOf } from '../core/shape.ts';
import {
  activationGradients,
  elementsPerSample,
  gradientScale,
  quantizeActivation,
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
  quantize(cx, x, refs, spec) {
    return quantizeActivation(cx, x, rangeOf(cx, refs, spec), spec);
  },

  backward(cx, dy, x, _q, refs, spec) {
    const range = rangeOf(cx, refs, spec);
    const { dx, dscale, dzeroPoint } = activationGradients(cx, dy, x, range, spec);
    const h = gradientScale(elementsPerSample(x.shape), spec.qmax - spec.qmin);
    const learned = refs.zeroPoint && { dzeroPoint: scalar(cx, dzeroPoint * h) };
    return { dx, dscale: scalar(cx, dscale * h), ...learned };
  },

  quantizeWeights(cx, w, refs, spec) {
    return quantizeWeights(cx, w, refs.scale, spec);
  },

  /** N in h is the weights of one channel: the whole tensor's would shrink the step by sqrt(channels). */
  backwardWeights(cx, dy, w, refs, spec) {
    const { dx, dscale } = weightGradients(cx, dy, w, refs.scale, spec);
    const channels = dscale.shape[0]!;
    const h = gradientScale(sizeOf(w.shape) / channels, spec.qmax);
    cx.kernels.f32_vscale(channels, dscale.ptr, h, dscale.ptr);
    return { dx, dscale };
  },
};
