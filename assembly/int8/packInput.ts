import { ConvParams } from '../abi';
import { alignTo16 } from '../lib/lanes';

/** How the scratch of a convolution is divided; `src/core/int8Layout.ts` computes the same size. */
// @ts-ignore: decorator
@inline export const LANES_AT: usize = 0;
// @ts-ignore: decorator
@inline const PIXELS_AT: usize = 96;
// @ts-ignore: decorator
@inline export const ZERO_ROW_AT: usize = 160;

/** A-panels are packed up to this many bytes, then every panel of weights passes over them: both stay in L1. */
// @ts-ignore: decorator
@inline export const BLOCK_BYTES: i32 = 16384;

/**
 * One output pixel, as the packing sees it. Four of them stand at PIXELS_AT.
 *
 *     origin   address of the tap (0, 0), which may lie outside the image
 *     row      its input row      column   its input column
 */
@unmanaged
class Pixel {
  origin: usize;
  row: i32;
  column: i32;
  unused: i32;
}

/** Terms of a sum, each kernel row padded to an even number of them. */
// @ts-ignore: decorator
@inline
export function paddedDepth(params: ConvParams): i32 {
  return params.kernelHeight * ((params.kernelWidth * params.inChannels + 1) & ~1);
}

/** Output pixels first, first + 1, … of the batch, count ≥ 1 of them, to panels of four. */
export function packBlock(
  params: ConvParams, x: usize, first: i32, count: i32, scratch: usize, panels: usize,
  panelBytes: usize,
): void {
  if (readsPixelByPixel(params)) {
    const stride = params.inStride;
    let row = x + first * stride;
    for (let p = 0; p < count; p += 4) {
      const last = count - p - 1;
      packRows(
        row, row + min(last, 1) * stride, row + min(last, 2) * stride, row + min(last, 3) * stride,
        params.inChannels, params.inZeroPoint, panels,
      );
      row += stride << 2;
      panels += panelBytes;
    }
    return;
  }
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  const line = first / params.outWidth;
  let ox = first - line * params.outWidth, oy = line % params.outHeight;
  let image = x + (line / params.outHeight) * imageBytes;
  for (let p = 0; p < count; p += 4) {
    if (
      p + 4 <= count && ox + 4 <= params.outWidth &&
      packNeighbours(params, scratch, image, oy, ox, panels)
    ) {
      panels += panelBytes;
      ox += 4;
      if (ox == params.outWidth) {
        ox = 0;
        if (++oy == params.outHeight) {
          oy = 0;
          image += imageBytes;
        }
      }
      continue;
    }
    for (let j = 0; j < 4; j++) {
      describe(params, scratch, j, image, oy, ox);
      // A last group of fewer than four repeats its last pixel.
      if (p + j + 1 < count && ++ox == params.outWidth) {
        ox = 0;
        if (++oy == params.outHeight) {
          oy = 0;
          image += imageBytes;
        }
      }
    }
    packPixels(params, scratch, panels);
    panels += panelBytes;
  }
}

/**
 * Four neighbouring pixels of one line, whose kernel rows are runs in memory, to one panel. What leaves the image to the
 * left or right is copied first. Returns false, and does nothing, where kernel rows are no runs.
 */
// @ts-ignore: decorator
@inline
function packNeighbours(
  params: ConvParams, scratch: usize, image: usize, oy: i32, ox: i32, panel: usize,
): bool {
  const column = ox * params.strideWidth - params.padLeft;
  const width = params.kernelWidth, pixel = params.inStride;
  const end = column + 3 * params.strideWidth + width;
  const inside = column >= 0 && end <= params.inWidth;
  const dense = params.dilationWidth == 1 && pixel == params.inChannels;
  // Where windows leave no gaps, the columns of four fit the four gathered rows.
  if (!(dense && width >= params.strideWidth) && !(inside && (dense || width == 1))) return false;
  const run = width * params.inChannels;
  const zeroRow = scratch + ZERO_ROW_AT;
  let row = oy * params.strideHeight - params.padTop;
  for (let i = 0; i < params.kernelHeight; i++) {
    let from = zeroRow, step: usize = 0;
    if (<u32>row < <u32>params.inHeight) {
      from = image + (row * params.inWidth + column) * pixel;
      step = params.strideWidth * pixel;
      if (!inside) from = copyTaps(params, scratch, 0, from, column, end - column);
    }
    packRows(from, from + step, from + 2 * step, from + 3 * step, run, params.inZeroPoint, panel);
    row += params.dilationHeight;
    panel += ((run + 1) & ~1) << 3;
  }
  return true;
}

/** Whether output pixel p reads input pixel p and nothing else. */
// @ts-ignore: decorator
@inline
function readsPixelByPixel(params: ConvParams): bool {
  return params.kernelHeight == 1 && params.kernelWidth == 1 &&
    params.strideHeight == 1 && params.strideWidth == 1 &&
    (params.padTop | params.padLeft) == 0 &&
    params.outHeight == params.inHeight && params.outWidth == params.inWidth;
}

// @ts-ignore: decorator
@inline
function describe(
  params: ConvParams, scratch: usize, j: usize, image: usize, oy: i32, ox: i32,
): void {
  const pixel = changetype<Pixel>(scratch + PIXELS_AT + (j << 4));
  const row = oy * params.strideHeight - params.padTop;
  const column = ox * params.strideWidth - params.padLeft;
  pixel.row = row;
  pixel.column = column;
  pixel.origin = image + (row * params.inWidth + column) * params.inStride;
}

/**
 * Four rows of i8 to a panel of i16 pairs with the zero point subtracted.
 *
 *     panel[t] = | r0[2t] r0[2t+1] | r1[2t] r1[2t+1] | r2[…] … | r3[…] … |     16 bytes, t in [0, ceil(length/2))
 *
 * Works in steps of 16, and of 8 at the end: reads up to 15 bytes past each row and writes up to 120 bytes past the panel.
 */
function packRows(
  r0: usize, r1: usize, r2: usize, r3: usize, length: i32, zeroPoint: i32, panel: usize,
): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  let i = 0;
  for (; i < length - 8; i += 16) {
    const v0 = v128.load(r0 + i), v1 = v128.load(r1 + i);
    const v2 = v128.load(r2 + i), v3 = v128.load(r3 + i);
    storeHalf(panel, v0, v1, v2, v3, zero);
    const high01 = v128.shuffle<i16>(v0, v1, 4, 12, 5, 13, 6, 14, 7, 15);
    const high23 = v128.shuffle<i16>(v2, v3, 4, 12, 5, 13, 6, 14, 7, 15);
    storePairs(panel + 64, v128.shuffle<i32>(high01, high23, 0, 4, 1, 5), zero);
    if (i < length - 12) {
      storePairs(panel + 96, v128.shuffle<i32>(high01, high23, 2, 6, 3, 7), zero);
    }
    panel += 128;
  }
  if (i < length) {
    storeHalf(panel, v128.load64_zero(r0 + i), v128.load64_zero(r1 + i), v128.load64_zero(r2 + i),
      v128.load64_zero(r3 + i), zero);
  }
}

/** The low eight of four rows. */
// @ts-ignore: decorator
@inline
function storeHalf(panel: usize, v0: v128, v1: v128, v2: v128, v3: v128, zero: v128): void {
  const low01 = v128.shuffle<i16>(v0, v1, 0, 8, 1, 9, 2, 10, 3, 11);
  const low23 = v128.shuffle<i16>(v2, v3, 0, 8, 1, 9, 2, 10, 3, 11);
  storePairs(panel, v128.shuffle<i32>(low01, low23, 0, 4, 1, 5), zero);
  storePairs(panel + 32, v128.shuffle<i32>(low01, low23, 2, 6, 3, 7), zero);
}

// @ts-ignore: decorator
@inline
function storePairs(to: usize, bytes: v128, zero: v128): void {
  v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_s(bytes), zero));
  v128.store(to, i16x8.sub(i16x8.extend_high_i8x16_s(bytes), zero), 16);
}

/** The taps of the four pixels at `scratch + PIXELS_AT` to one panel. */
function packPixels(params: ConvParams, scratch: usize, panel: usize): void {
  const run = params.kernelWidth * params.inChannels;
  for (let i = 0; i < params.kernelHeight; i++) {
    packRows(
      kernelRow(params, scratch, 0, i), kernelRow(params, scratch, 1, i),
      kernelRow(params, scratch, 2, i), kernelRow(params, scratch, 3, i),
      run, params.inZeroPoint, panel,
    );
    panel += ((run + 1) & ~1) << 3;
  }
}

/**
 * The address of kernel row i of pixel j: where it lies if it is one contiguous run inside the image, that of the zero
 * points if it is above or below, else that of a copy.
 */
function kernelRow(params: ConvParams, scratch: usize, j: usize, i: i32): usize {
  const pixel = changetype<Pixel>(scratch + PIXELS_AT + (j << 4));
  const zeroRow = scratch + ZERO_ROW_AT;
  const down = i * params.dilationHeight;
  if (<u32>(pixel.row + down) >= <u32>params.inHeight) return zeroRow;
  let from = pixel.origin + down * params.inWidth * params.inStride;
  const width = params.kernelWidth;
  const column = pixel.column;
  const whole = width == 1 || (params.dilationWidth == 1 && params.inStride == params.inChannels);
  if (whole && column >= 0 && column + width <= params.inWidth) return from;
  return copyTaps(params, scratch, j, from, column, width);
}

/**
 * Copies taps of a line, the first of which lies at `from` in column `column` of the image, to gathered row j, zero points
 * where they leave the image. Returns the address of the row.
 */
function copyTaps(
  params: ConvParams, scratch: usize, j: usize, from: usize, column: i32, taps: i32,
): usize {
  const zeroRow = scratch + ZERO_ROW_AT;
  const row = zeroRow + (j + 1) * (alignTo16(paddedDepth(params)) + 16);
  let to = row;
  do {
    const at = <u32>column < <u32>params.inWidth ? from : zeroRow;
    // Each copy may run over by 15 bytes; the next one, or the slack of the row, takes them.
    for (let b = 0; b < params.inChannels; b += 16) v128.store(to + b, v128.load(at + b));
    to += params.inChannels;
    from += params.dilationWidth * params.inStride;
    column += params.dilationWidth;
  } while (--taps > 0);
  return row;
}
