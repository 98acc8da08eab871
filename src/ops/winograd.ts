/**
 * Which convolutions run as products of transformed 4x4 tiles (`assembly/int8/winograd.ts`): 16 products for 2x2 outputs
 * in place of 36, and the same integers.
 */

import { packedWinogradBytes, winogradScratchBytes } from '../core/int8Layout.ts';
import type { Lowering, Ref, TrainContext } from '../core/op.ts';
import { maxDistance } from '../core/overflow.ts';
import { type ConvFields, opaque, type Requant, roundUp8 } from './linear.ts';
import { dividesOutputs, parallelPanels } from './panels.ts';

/** The kernel computes 4·(acc + bias) modulo 2³². */
const BOUND = 2 ** 29;

/**
 * How many fewer products there must be. Measured on 17 shapes from 112²·8→8 to 1²·256→256: the transforms cost a sixth,
 * and every shape above this line gained 1.3 or more; 5²·128→128, which has 1.17 times fewer, gained nothing.
 */
const LEAST_SAVING = 1.5;

/** Products of the plain convolution over those of the tiles, which are computed four by four, channels eight by eight. */
function saving({ outHeight, outWidth, inChannels }: ConvFields): number {
  const tiles = Math.ceil(outHeight / 2) * Math.ceil(outWidth / 2);
  const plain = outHeight * outWidth * 9 * inChannels;
  return plain / (((tiles + 3) & ~3) * 16 * roundUp8(inChannels));
}

/** Whether the layer has the form that the kernel knows, cannot leave its range, and becomes faster. */
export function suitsWinograd({ fields, bound }: Requant): boolean {
  return isFaster(fields) && bound < BOUND;
}

/** The same for training, where weights change at every step: no int8 weights may leave the range. */
export function suitsTraining(fields: ConvFields, inZeroPoint: number): boolean {
  const largest = 128 * 9 * fields.inChannels * maxDistance(inZeroPoint);
  return isFaster(fields) && largest < BOUND;
}

function isFaster(fields: ConvFields): boolean {
  return (
    fields.kernelHeight === 3 &&
    fields.kernelWidth === 3 &&
    fields.strideHeight === 1 &&
    fields.strideWidth === 1 &&
    fields.dilationHeight === 1 &&
    fields.dilationWidth === 1 &&
    fields.inChannels >= 8 &&
    fields.outChannels >= 8 &&
    saving(fields) >= LEAST_SAVING
  );
}

/** `batch` images; w [Co,3,3,Ci]. A unit of work is a row of tiles, two output rows, or a panel of outputs. */
export function lowerWinograd(cx: Lowering, { fields, weights }: Requant, batch: number): void {
  const { outHeight, outWidth, inChannels, outChannels } = fields;
  const { data, zeroPoint } = weights;
  const packed = cx.packed(packedWinogradBytes(outChannels, inChannels), data, (from, to) =>
    cx.kernels.qs8_pack_winograd_weights(outChannels, inChannels, zeroPoint, from, to),
  );
  const rows = batch * Math.ceil(outHeight / 2);
  const tiles = rows * Math.ceil(outWidth / 2);
  const bytes = winogradScratchBytes(inChannels);
  if (dividesOutputs(tiles, outChannels)) {
    parallelPanels(cx, 'qs8_winograd2d', fields, tiles * 16 * inChannels * 8, (params, first) => {
      const w = packed + packedWinogradBytes(8 * first, inChannels);
      return [params, 0, rows, cx.x[0]!.ptr, w, cx.y.ptr + 8 * first, cx.scratch(bytes)];
    });
    return;
  }
  const params = cx.struct('ConvParams', fields);
  const rowMacs = (tiles / rows) * 16 * inChannels * outChannels;
  cx.parallel('qs8_winograd2d', rows, rowMacs, (first, count) => {
    return [params, first, count, cx.x[0]!.ptr, packed, cx.y.ptr, cx.scratch(bytes)];
  });
}

/** y [N,…] f32 of x [N,…] i8 and w [Co,3,3,Ci] i8, given params with an epilogue. */
export function tilesQuantized(
  cx: TrainContext,
  { inChannels, outChannels }: ConvFields,
  params: number,
  [x, w]: readonly [Ref, Ref],
  y: Ref,
): void {
  const packed = opaque(cx, packedWinogradBytes(outChannels, inChannels)).ptr;
  cx.kernels.qs8_pack_winograd_weights(outChannels, inChannels, 0, w.ptr, packed);
  const rows = y.shape[0]! * Math.ceil(y.shape[1]! / 2);
  const scratch = cx.scratch(winogradScratchBytes(inChannels));
  cx.kernels.qs8_f32_winograd2d(params, 0, rows, x.ptr, packed, y.ptr, scratch);
}
