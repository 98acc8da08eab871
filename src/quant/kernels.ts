/** The kernel calls that quantizer methods share. */

import type { QuantizerRefs, Range } from '../autograd/quantizer.ts';
import type { QWeights, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { integerZeroPoint } from '../graph/quantizerParams.ts';
import { channelLayout } from './weightLayout.ts';

/** Scales stay at or above this: the smallest range that a float network can mean. */
export const MIN_SCALE = 2 ** -40;

/** The grid of an activation as its parameters have it at this step. */
export function rangeOf(cx: TrainContext, refs: QuantizerRefs, spec: QuantizerSpec): Range {
  const learned = refs.zeroPoint ? cx.f32(refs.zeroPoint)[0]! : 0;
  return { scale: cx.f32(refs.scale)[0]!, zeroPoint: integerZeroPoint(spec, learned) };
}

/** Integers and their reals, one scale per channel. */
export function quantizeWeights(
  cx: TrainContext,
  w: Ref,
  scale: Ref,
  spec: QuantizerSpec,
): QWeights {
  const { outer, channels, inner } = channelLayout(w.shape, spec.axis!);
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
  return { q, dequantized: real, scale: cx.f32(scale).slice() };
}

/** LSQ's gradients for weights, dscale [channels] not yet scaled by h      quantization.md eq. (18) */
export function weightGradients(
  cx: TrainContext,
  dy: Ref,
  w: Ref,
  scale: Ref,
  spec: QuantizerSpec,
): { dx: Ref; dscale: Ref } {
  const { outer, channels, inner } = channelLayout(w.shape, spec.axis!);
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
