/**
 * What convolution, depthwise convolution and dense share: the epilogue u = f32(f32(acc + bias)·M) + B of
 * quantization.md eq. (7), in training and in the plan.
 */

import type { StructFields } from '../core/abi.ts';
import type { Lowering, QRef, Ref, TrainContext } from '../core/op.ts';
import {
  accumulatorBounds,
  type ChannelWeights,
  largestMagnitude,
  looseBound,
  needsClampedRounding,
} from '../core/overflow.ts';

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
  /** |acc + bias| is at most this. */
  readonly bound: number;
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
    bias: (bias?.data ?? new Int32Array(channels)) as Int32Array,
    multiplier: multiplier!.data as Float32Array,
    addend: addend!.data as Float32Array,
  };
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
  };
  const { bound, magic } = roomOf(weights, inZeroPoint, requant);
  return { fields: { ...fields, magic }, weights, bound };
}

/** Accumulators below it suit each kernel, that of 3x3 tiles too. */
const ROOM = 2 ** 29 - 1;

/** The bound of a requantization and its `magic`. Weights are only read where some would not suit every kernel. */
function roomOf(
  weights: ChannelWeights,
  inZeroPoint: number,
  { bias, multiplier, addend }: Epilogue & { readonly bias: Int32Array },
): { bound: number; magic: 0 | 1 } {
  const loose = looseBound(weights, inZeroPoint, bias);
  const clamps = needsClampedRounding(
    loose,
    largestMagnitude(multiplier),
    largestMagnitude(addend),
  );
  if (loose <= ROOM && !clamps) return { bound: loose, magic: 1 };
  const bounds = accumulatorBounds(weights, inZeroPoint, bias);
  const leaves = (bound: number, c: number) =>
    needsClampedRounding(bound, multiplier[c]!, addend[c]!);
  return { bound: bounds.reduce((a, b) => Math.max(a, b)), magic: bounds.some(leaves) ? 0 : 1 };
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
