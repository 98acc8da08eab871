/**
 * What convolution, depthwise convolution and dense share: the epilogue u = f32(f32(acc + bias)·M) + B of
 * quantization.md eq. (7), in training and in the plan.
 */

import type { StructFields } from '../core/abi.ts';
import type { Lowering, QRef, Ref, TrainContext } from '../core/op.ts';
import { accumulatorBounds, type ChannelWeights, needsClampedRounding } from '../core/overflow.ts';

type ConvFields = StructFields<'ConvParams'>;

/** Kernels read the arrays of the epilogue eight channels at a time. */
export function roundUp8(n: number): number {
  return (n + 7) & ~7;
}

/** M and B, one f32 per output channel. */
export interface Epilogue {
  readonly multiplier: Float32Array;
  readonly addend: Float32Array;
}

/** A ConvParams struct whose epilogue gives u in f32. */
export function epilogueParams(
  cx: TrainContext,
  fields: ConvFields,
  x: QRef,
  epilogue: Epilogue,
): number {
  const length = roundUp8(fields.outChannels);
  const arrays = cx.zeros([3, length]);
  const view = cx.f32(arrays);
  view.set(epilogue.multiplier, 0);
  view.set(epilogue.addend, length);
  return cx.struct('ConvParams', {
    ...fields,
    inZeroPoint: x.zeroPoint,
    multiplier: arrays.ptr,
    addend: arrays.ptr + 4 * length,
    bias: arrays.ptr + 8 * length,
  });
}

/** A ConvParams struct for an integer node [x, w, multiplier, addend, bias?], whose x and y may lie inside concats. */
export function requantParams(cx: Lowering, fields: ConvFields, weights: ChannelWeights): number {
  const [, multiplier, addend, bias] = cx.constants;
  const { zeroPoint, qmin, qmax } = cx.y.qparams;
  const length = roundUp8(fields.outChannels);
  const inZeroPoint = cx.x[0]!.qparams.zeroPoint;
  const requant = {
    bias: Int32Array.from(bias?.data ?? { length: fields.outChannels }, (b) => b ?? 0),
    multiplier: Float32Array.from(multiplier!.data),
    addend: Float32Array.from(addend!.data),
  };
  const bounds = accumulatorBounds(weights, inZeroPoint, requant.bias);
  return cx.struct('ConvParams', {
    ...fields,
    inStride: cx.x[0]!.stride,
    outStride: cx.y.stride,
    inZeroPoint,
    outZeroPoint: zeroPoint,
    qmin,
    qmax,
    bias: cx.constant(requant.bias, length),
    multiplier: cx.constant(requant.multiplier, length),
    addend: cx.constant(requant.addend, length),
    magic: needsClampedRounding(bounds, requant) ? 0 : 1,
  });
}

/** The i8 weights among a node's constants. */
export function weightsOf(cx: Lowering): Int8Array {
  const { data } = cx.constants[0]!;
  return data instanceof Int8Array ? data : Int8Array.from(data);
}

/** A tensor of the step arena that only kernels look into. */
export function opaque(cx: TrainContext, bytes: number): Ref {
  return cx.alloc([bytes], 'u8');
}
