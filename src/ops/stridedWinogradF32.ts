/**
 * Which f32 convolutions with stride 2 run as products of transformed tiles (`assembly/f32/stridedWinograd.ts`), forward and
 * back: 25 products for 2x2 outputs in place of 36.
 */

import {
  f32StridedWinogradInputGradientScratchBytes,
  f32StridedWinogradScratchBytes,
  packedF32Bytes,
  stridedWinogradWeightsBytes,
} from '../core/f32Layout.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { type ConvFields, opaque } from './linear.ts';

/** Below it the transforms cost more than the products that are saved. */
const LEAST_CHANNELS = 16;

/** Sums over tiles of the weight gradient have this many elements at most: 8 MiB. */
const MOST_SUMS = 2 ** 21;

/** Products of the plain convolution over those of the tiles. Halves of tiles at the borders are computed for nothing. */
function saving({ outHeight, outWidth }: ConvFields): number {
  return (9 * outHeight * outWidth) / (25 * Math.ceil(outHeight / 2) * Math.ceil(outWidth / 2));
}

const LEAST_SAVING = 1.3;

/** Whether y, and the gradient in x, are faster so. */
export function suitsStridedTiles(fields: ConvFields): boolean {
  const { inChannels, outChannels } = fields;
  return (
    fields.kernelHeight === 3 &&
    fields.kernelWidth === 3 &&
    fields.strideHeight === 2 &&
    fields.strideWidth === 2 &&
    fields.dilationHeight === 1 &&
    fields.dilationWidth === 1 &&
    inChannels % 8 === 0 &&
    outChannels % 8 === 0 &&
    Math.min(inChannels, outChannels) >= LEAST_CHANNELS &&
    saving(fields) >= LEAST_SAVING
  );
}

/** Whether the gradient in w is. */
export function suitsStridedWeightGradient(fields: ConvFields): boolean {
  return suitsStridedTiles(fields) && 25 * fields.inChannels * fields.outChannels <= MOST_SUMS;
}

/** y of x [N,…], w [Co,3,3,Ci] and b [Co]. */
export function stridedForward(
  cx: TrainContext,
  fields: ConvFields,
  [x, w, b]: readonly Ref[],
  y: Ref,
): void {
  const { inChannels: c, outChannels: n } = fields;
  const packed = opaque(cx, packedF32Bytes(n, 9 * c)).ptr;
  cx.kernels.f32_pack_weights(n, 9 * c, w!.ptr, packed);
  const u = opaque(cx, stridedWinogradWeightsBytes(n / 8, c)).ptr;
  cx.kernels.f32_pack_strided_winograd_weights(n / 8, c, packed, 9 * c * 32, 32, c * 32, u);
  const params = cx.struct('ConvParams', fields);
  const scratch = cx.scratch(f32StridedWinogradScratchBytes(c));
  cx.kernels.f32_strided_winograd2d(params, x!.shape[0]!, x!.ptr, u, b?.ptr ?? 0, y.ptr, scratch);
}

/** dx of dy [N,…] and w. */
export function stridedInputGradient(
  cx: TrainContext,
  fields: ConvFields,
  dy: Ref,
  w: Ref,
  dx: Ref,
): void {
  const { inChannels: c, outChannels: n } = fields;
  const u = opaque(cx, stridedWinogradWeightsBytes(c / 8, n)).ptr;
  cx.kernels.f32_pack_strided_winograd_weights(c / 8, n, w.ptr, 32, 9 * c * 4, c * 4, u);
  const params = cx.struct('ConvParams', fields);
  const scratch = cx.scratch(f32StridedWinogradInputGradientScratchBytes(n));
  cx.kernels.f32_strided_winograd2d_input_gradient(
    params,
    dy.shape[0]!,
    dy.ptr,
    u,
    dx.ptr,
    scratch,
  );
}
