/** The kernel calls that quantizer methods share. */

import type { QuantizerRefs, Range } from '../autograd/quantizer.ts';
import type { QWeights, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
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

/** LSQ's gradients for weights, dscale [scales] not yet scaled by h      quantization.md eq. (18) */
export function weightGradients(
  cx: TrainContext,
  dy: Ref,
  w: Ref,
  scale: Ref,
  spec: QuantizerSpec,
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
  );
  return { dx, dscale };
}

export function scalar(cx: TrainContext, value: number): Ref {
  const ref = cx.alloc([1]);
  cx.f32(ref)[0] = value;
  return ref;
}

/** h = 1 / sqrt(N · levels), the step-size gradient scale of LSQ (Esser 2020, §2.2): quantization.md eq. (19) */
export function gradientScale(elements: number, levels: number): number {
  return 1 / Math.sqrt(elements * levels);
}

export function elementsPerSample(shape: Shape): number {
  return sizeOf(shape.slice(1));
}
