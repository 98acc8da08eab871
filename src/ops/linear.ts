/**
 * What convolution, depthwise convolution and dense share: the epilogue u = f32(f32(acc + bias)·M) + B of
 * quantization.md eq. (7), in training and in the plan.
 */

import type { StructFields } from '../core/abi.ts';
import type { Lowering, QRef, Ref, TrainContext } from '../core/op.ts';
import { accumulatorBounds, type ChannelWeights, needsClampedRounding } from '../core/overflow.ts';

export type ConvFields = StructFields<'ConvParams'>;

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

/** Everything about a linear integer node but where its weights are packed. */
export interface Requant {
  /** ConvParams. */
  readonly fields: ConvFields;
  readonly weights: Required<ChannelWeights>;
  /** |acc + bias| is at most this, per output channel. */
  readonly bounds: Float64Array;
}

/**
 * The requantization of an integer node [x, w, multiplier, addend, bias?], whose x and y may lie inside concats; w is
 * divided into channels as ChannelWeights says.
 */
export function requantOf(
  cx: Lowering,
  geometry: ConvFields,
  channels: number,
  inner: number,
): Requant {
  const [w, multiplier, addend, bias] = cx.constants;
  const { zeroPoint, qmin, qmax } = cx.y.qparams;
  const length = roundUp8(channels);
  const inZeroPoint = cx.x[0]!.qparams.zeroPoint;
  const weights = { data: weightsOf(cx), channels, inner, zeroPoint: w!.qparams?.zeroPoint ?? 0 };
  const requant = {
    bias: bias ? new Int32Array(bias.data) : new Int32Array(channels),
    multiplier: new Float32Array(multiplier!.data),
    addend: new Float32Array(addend!.data),
  };
  const bounds = boundsOf(weights, inZeroPoint, requant);
  const fields = {
    ...geometry,
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
  };
  return { fields, weights, bounds };
}

/** Accumulators below it suit each kernel, that of 3x3 tiles too. */
const ROOM = 2 ** 29 - 1;

/** Not tight where all kernels suit whatever the weights are: reading millions of them would take most of a start. */
function boundsOf(
  weights: ChannelWeights,
  inZeroPoint: number,
  requant: { bias: Int32Array; multiplier: Float32Array; addend: Float32Array },
): Float64Array {
  const loose = accumulatorBounds(weights, inZeroPoint, requant.bias, ROOM);
  if (!needsClampedRounding(loose, requant)) return loose;
  return accumulatorBounds(weights, inZeroPoint, requant.bias);
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
