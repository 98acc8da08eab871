/** The kernel calls that quantizer methods share. */

import type { QuantizerRefs } from '../autograd/quantizer.ts';
import type { QRef, QWeights, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { integerZeroPoint } from '../graph/quantizerParams.ts';
import { CHUNKS, forEachChunk, sampleBytes } from '../ops/chunks.ts';
import { channelLayout } from './weightLayout.ts';

/** Scales stay at or above this: the smallest range that a float network can mean. */
export const MIN_SCALE = 2 ** -40;

export interface Range {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The grid of an activation as its parameters have it at this step. */
export function rangeOf(cx: TrainContext, refs: QuantizerRefs, spec: QuantizerSpec): Range {
  const learned = refs.zeroPoint ? cx.f32(refs.zeroPoint)[0]! : 0;
  return { scale: cx.f32(refs.scale)[0]!, zeroPoint: integerZeroPoint(spec, learned) };
}

function quantizeParams(cx: TrainContext, range: Range, { qmin, qmax }: QuantizerSpec): number {
  const { scale, zeroPoint } = range;
  const inverseScale = Math.fround(1 / scale);
  return cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
}

/** q = clamp(rte(f32(x · f32(1/s))) + z, qmin, qmax)      quantization.md eq. (3) */
export function quantizeActivation(
  cx: TrainContext,
  x: Ref,
  range: Range,
  spec: QuantizerSpec,
): QRef {
  const q = cx.alloc(x.shape, 'i8');
  const params = quantizeParams(cx, range, spec);
  cx.kernels.f32_qs8_vquantize(sizeOf(x.shape), x.ptr, q.ptr, params);
  const { qmin, qmax } = spec;
  return { q, ...range, qmin, qmax };
}

/** dx by the straight-through rule and the sums Σ g·∂x̂/∂s, Σ g·∂x̂/∂z      quantization.md eq. (15) to (17) */
export function activationGradients(
  cx: TrainContext,
  dy: Ref,
  x: Ref,
  range: Range,
  spec: QuantizerSpec,
): { dx: Ref; dscale: number; dzeroPoint: number } {
  const dx = cx.alloc(x.shape);
  const params = quantizeParams(cx, range, spec);
  const parts = cx.zeros([CHUNKS, 2], 'f64');
  const sample = sizeOf(x.shape.slice(1));
  cx.together(() =>
    forEachChunk(x.shape[0]!, (first, count, chunk) => {
      const at = first * sampleBytes(x);
      const sums = parts.ptr + chunk * 16;
      const n = count * sample;
      cx.kernels.f32_fakequant_backward(n, x.ptr + at, dy.ptr + at, dx.ptr + at, sums, params);
    }),
  );
  const view = cx.f64(parts);
  const sum = (offset: number) => {
    let total = 0;
    for (let i = offset; i < view.length; i += 2) total += view[i]!;
    return total;
  };
  return { dx, dscale: sum(0), dzeroPoint: sum(1) };
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
