/**
 * Which f32 convolutions run as products of transformed tiles (`assembly/f32/winograd.ts`), forward and back: 36 products
 * for 4x4 outputs in place of 144.
 */

import {
  f32WinogradScratchBytes,
  packedF32Bytes,
  winogradWeightsBytes,
} from '../core/f32Layout.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { type ConvFields, opaque } from './linear.ts';

/** How many times fewer products there must be: transforming tiles costs a quarter to a half of the products that are left. */
const LEAST_SAVING = 1.5;

/** Below it the transforms cost more than the products. */
const LEAST_CHANNELS = 8;

/** Sums over tiles of the weight gradient have this many elements at most: 8 MiB. */
const MOST_SUMS = 2 ** 21;

const tilesOf = (height: number, width: number) => Math.ceil(height / 4) * Math.ceil(width / 4);

/** Products of the plain convolution over those of the tiles that compute `height` x `width` values. */
const saving = (height: number, width: number) =>
  (9 * height * width) / (36 * tilesOf(height, width));

function isWindow(fields: ConvFields): boolean {
  return (
    fields.kernelHeight === 3 &&
    fields.kernelWidth === 3 &&
    fields.strideHeight === 1 &&
    fields.strideWidth === 1 &&
    fields.dilationHeight === 1 &&
    fields.dilationWidth === 1 &&
    fields.inChannels >= LEAST_CHANNELS &&
    fields.outChannels >= LEAST_CHANNELS
  );
}

/** Whether y, and the gradient in w, are faster so. */
export function suitsTiles(fields: ConvFields): boolean {
  return isWindow(fields) && saving(fields.outHeight, fields.outWidth) >= LEAST_SAVING;
}

/** Whether the gradient in x is. */
export function suitsGradientTiles(fields: ConvFields): boolean {
  return isWindow(fields) && saving(fields.inHeight, fields.inWidth) >= LEAST_SAVING;
}

/** Whether the gradient in w is. */
export function suitsWeightGradientTiles(fields: ConvFields): boolean {
  return suitsTiles(fields) && 36 * fields.inChannels * fields.outChannels <= MOST_SUMS;
}

/** y of x [N,…], w [Co,3,3,Ci] and b [Co]. */
export function tilesForward(
  cx: TrainContext,
  fields: ConvFields,
  [x, w, b]: readonly Ref[],
  y: Ref,
): void {
  const { inChannels: c, outChannels: n } = fields;
  const panels = Math.ceil(n / 8);
  const packed = opaque(cx, packedF32Bytes(n, 9 * c)).ptr;
  cx.kernels.f32_pack_weights(n, 9 * c, w!.ptr, packed);
  const u = opaque(cx, winogradWeightsBytes(panels, c)).ptr;
  cx.kernels.f32_pack_winograd_weights(panels, c, packed, 9 * c * 32, 32, c * 32, u);
  const params = cx.struct('ConvParams', fields);
  const scratch = cx.scratch(f32WinogradScratchBytes(c));
  cx.kernels.f32_winograd2d(params, x!.shape[0]!, x!.ptr, u, b?.ptr ?? 0, y.ptr, scratch);
}

/** dx: the convolution of dy with the windows turned by 180° and their channels exchanged. */
export function tilesInputGradient(
  cx: TrainContext,
  fields: ConvFields,
  dy: Ref,
  w: Ref,
  dx: Ref,
): void {
  const { inChannels: c, outChannels: n } = fields;
  const panels = Math.ceil(c / 8);
  const u = opaque(cx, winogradWeightsBytes(panels, n)).ptr;
  const lastTap = w.ptr + 8 * c * 4;
  cx.kernels.f32_pack_winograd_weights(panels, n, lastTap, 32, 9 * c * 4, -c * 4, u);
  const params = cx.struct('ConvParams', backwards(fields));
  const scratch = cx.scratch(f32WinogradScratchBytes(n));
  cx.kernels.f32_winograd2d(params, dy.shape[0]!, dy.ptr, u, 0, dx.ptr, scratch);
}

/** The geometry from dy to dx. */
export function backwards(fields: ConvFields): ConvFields {
  return {
    ...fields,
    inHeight: fields.outHeight,
    inWidth: fields.outWidth,
    inChannels: fields.outChannels,
    inStride: fields.outStride,
    outHeight: fields.inHeight,
    outWidth: fields.inWidth,
    outChannels: fields.inChannels,
    outStride: fields.inStride,
    padTop: 2 - fields.padTop,
    padLeft: 2 - fields.padLeft,
  };
}
