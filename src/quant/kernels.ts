/** The kernel calls that quantizer methods share. */

import type { QuantizerRefs, Range, WeightGradients } from '../autograd/quantizer.ts';
import type { QWeights, Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { integerZeroPoint } from '../graph/quantizerParams.ts';
import { channelScales, scaleLayout } from './weightLayout.ts';

/** Scales stay at or above this: the smallest range that a float network can mean. */
export const MIN_SCALE = 2 ** -40;

/** The grid of an activation as its parameters have it at this step. */
export function rangeOf(cx: TrainContext, refs: QuantizerRefs, spec: QuantizerSpec): Range {
  const learned = refs.zeroPoint ? cx.f32(refs.zeroPoint)[0]! : 0;
  return { scale: cx.f32(refs.scale)[0]!, zeroPoint: integerZeroPoint(spec, learned) };
}

/** Integers and their reals; the scales are given for each channel, of which one may serve all. */
export function quantizeWeights(
  cx: TrainContext,
  w: Ref,
  scale: Ref,
  spec: QuantizerSpec,
): QWeights {
  const { outer, channels, inner } = scaleLayout(w.shape, spec);
  const q = cx.alloc(w.shape, 'i8');
  const real = cx.alloc(w.shape);
  const { qmin, qmax } = spec;
  cx.kernels.f32_qc8w_quantize(
    outer,
    channels,
    inner,
    w.ptr,
    scale.ptr,
    qmin,
    qmax,
    q.ptr,
    real.ptr,
  );
  const scales = channelScales(cx.f32(scale), w.shape[spec.axis!]!);
  return { q, dequantized: real, scale: scales };
}

/** Weights by their trained scales. */
export function learnedWeights(
  cx: TrainContext,
  w: Ref,
  { scale }: QuantizerRefs,
  spec: QuantizerSpec,
): QWeights {
  return quantizeWeights(cx, w, scale, spec);
}

/**
 * Straight-through gradients of weights, dscale [scales] not yet scaled by h; w/s passes between the limits
 * quantization.md eq. (18)
 */
export function weightGradients(
  cx: TrainContext,
  dy: Ref,
  w: Ref,
  scale: Ref,
  spec: QuantizerSpec,
  [lo, hi]: readonly [number, number],
): { dx: Ref; dscale: Ref } {
  const { outer, channels, inner } = scaleLayout(w.shape, spec);
  const dx = cx.alloc(w.shape);
  const dscale = cx.alloc([channels]);
  const { qmin, qmax } = spec;
  cx.kernels.f32_qc8w_lsq_backward(
    outer,
    channels,
    inner,
    w.ptr,
    scale.ptr,
    qmin,
    qmax,
    dy.ptr,
    dx.ptr,
    dscale.ptr,
    lo,
    hi,
  );
  return { dx, dscale };
}

/**
 * The gradients of weights and of their trained scales. N in h is the weights that share the scale, those of one channel: the
 * whole tensor's would shrink the step by sqrt(channels).
 */
export function learnStep(
  cx: TrainContext,
  dy: Ref,
  w: Ref,
  { scale }: QuantizerRefs,
  spec: QuantizerSpec,
  limits: readonly [number, number],
): WeightGradients {
  const { dx, dscale } = weightGradients(cx, dy, w, scale, spec, limits);
  const scales = dscale.shape[0]!;
  const h = gradientScale(sizeOf(w.shape) / scales, spec.qmax);
  cx.kernels.f32_vscale(scales, dscale.ptr, h, dscale.ptr);
  return { dx, scale: dscale };
}

export function scalar(cx: TrainContext, value: number): Ref {
  const ref = cx.alloc([1]);
  cx.f32(ref)[0] = value;
  return ref;
}

/**
 * Q_P of eq. (19), the integers on the longer side of 0: the 2^b − 1 of LSQ's paper after a relu, its 2^(b−1) − 1 around 0, and no fewer where most
 * values are negative.
 */
export function levelsBesideZero({ qmin, qmax }: QuantizerSpec, zeroPoint: number): number {
  return Math.max(qmax - zeroPoint, zeroPoint - qmin - 1);
}

/** h = 1 / sqrt(N · levels), the step-size gradient scale of LSQ (Esser 2020, §2.2): quantization.md eq. (19) */
export function gradientScale(elements: number, levels: number): number {
  return 1 / Math.sqrt(elements * levels);
}
