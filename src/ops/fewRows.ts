/**
 * Products of few rows with large weights, as dense layers train: what costs is reading the weights and writing their gradient, so
 * the rows are packed and the weights stay where they lie.
 */

import {
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../core/f32Layout.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { isPointwise } from './geometry.ts';
import { type ConvFields, opaque } from './linear.ts';

/** Extents of w [n, k]. */
interface Weights {
  readonly n: number;
  readonly k: number;
}

/** Up to here a row of sums over all rows of the batch is short enough for f32. */
const MOST_ROWS = 512;

/** Whether a product has fewer rows than outputs; y [N, …, n] is its output. */
export function hasFewRows(fields: ConvFields, y: Shape): boolean {
  const { inChannels, inStride, outChannels, outStride } = fields;
  const dense = inStride === inChannels && outStride === outChannels;
  const rows = sizeOf(y) / outChannels;
  return dense && isPointwise(fields) && rows <= Math.min(MOST_ROWS, outChannels);
}

export function fewRowsForward(
  cx: TrainContext,
  { n, k }: Weights,
  [x, w, b]: readonly Ref[],
  y: Ref,
): void {
  const rows = sizeOf(y.shape) / n;
  const packed = opaque(cx, packedF32Bytes(rows, k)).ptr;
  cx.kernels.f32_pack_weights(rows, k, x!.ptr, packed);
  const scratch = cx.scratch(f32DenseScratchBytes(rows));
  cx.kernels.f32_dense(rows, n, k, packed, w!.ptr, b?.ptr ?? 0, y.ptr, n, scratch);
}

export function fewRowsInputGradient(
  cx: TrainContext,
  { n, k }: Weights,
  dy: Ref,
  w: Ref,
  dx: Ref,
): void {
  const scratch = cx.scratch(f32DenseInputGradientScratchBytes(n));
  const rows = sizeOf(dy.shape) / n;
  cx.kernels.f32_dense_input_gradient(rows, n, k, dy.ptr, w.ptr, dx.ptr, k, scratch);
}

/** Each element is summed over the whole batch, by one thread. */
export function fewRowsWeightGradient(
  cx: TrainContext,
  { n, k }: Weights,
  dy: Ref,
  x: Ref,
  dw: Ref,
): void {
  const rows = sizeOf(dy.shape) / n;
  const packed = opaque(cx, packedTransposedF32Bytes(rows, k)).ptr;
  cx.kernels.f32_pack_weights_transposed(rows, k, x.ptr, packed);
  const scratch = cx.scratch(f32DenseWeightGradientScratchBytes(rows));
  cx.kernels.f32_dense_weight_gradient(rows, n, k, dy.ptr, n, packed, dw.ptr, scratch);
}
