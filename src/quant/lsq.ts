import type { QuantizerRefs, QuantizerRule } from '../autograd/quantizer.ts';
import type { TrainContext } from '../core/op.ts';
import { roundToRange } from '../core/rounding.ts';
import { sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import {
  activationGradients,
  elementsPerSample,
  gradientScale,
  quantizeActivation,
  quantizeWeights,
  type Range,
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

function rangeOf(cx: TrainContext, refs: QuantizerRefs, spec: QuantizerSpec): Range {
  const { fixedZeroPoint, qmin, qmax } = spec;
  const learned = refs.zeroPoint ? cx.f32(refs.zeroPoint)[0]! : 0;
  const zeroPoint = fixedZeroPoint ?? roundToRange(learned, 0, qmin, qmax);
  return { scale: cx.f32(refs.scale)[0]!, zeroPoint };
}
