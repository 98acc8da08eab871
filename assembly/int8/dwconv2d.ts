import { ConvParams } from '../abi';
import { alignTo16 } from '../lib/lanes';
import { roundToRange, scaleAcc, writeRoundingLanes } from '../lib/requantize';
import { sums3x3, sums3x3Stride2 } from './dwconv3x3';
import { rowOfAny } from './dwconvAny';
import { emitSums, EPILOGUE_BYTES, STRIP, SUMS_AT } from './dwconvSums';

/**
 * Depthwise convolution:
 *
 *     acc[p, c] = Σ_{i,j} (x[tap(p, i, j), c] − inZeroPoint) · w[i, j, c]
 *     qs8:      y[p, c] = clamp(rte(u) + outZeroPoint, qmin, qmax)       qs8_f32:   y[p, c] = u
 *     u = f32(f32(f32(acc + bias[c]) · multiplier[c]) + addend[c])
 *
 * x  [batch, H, W, C] i8     w  packed by qs8_pack_dwconv_weights(C, Kh, Kw)
 * y  [batch, outHeight, outWidth, C] i8, or f32 (outStride then counts f32)
 *
 * Computes the output rows first … first + count − 1 of the batch; x, w and y point to the whole tensors.
 *
 * Eight channels a step. Two taps of a column, interleaved as i16 pairs, meet a pair of weights in one dot product.
 * The zero point leaves the loop: Σ (x − z)·w + bias = Σ x·w + (bias − z·Σ w), sums mod 2³², and taps outside the
 * image read z from a row of zero points.
 *
 * Reads 15 bytes past x, writes C elements a pixel. Scratch, dwconv2dScratchBytes(C, Kh, Kw):
 *
 *     rounding lanes 96 | sums 32 · (STRIP + 2) | rows | zero row | epilogues | interleaved columns
 */
export function qs8_dwconv2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2d(params, first, count, x, w, y, scratch, false);
}

export function qs8_f32_dwconv2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2d(params, first, count, x, w, y, scratch, true);
}

// @ts-ignore: decorator
@inline const ROWS_AT: usize = SUMS_AT + 32 * (STRIP + 2);
/** A strip of one-pixel rows at stride 2 reads 2 · STRIP + 1 input rows. */
// @ts-ignore: decorator
@inline const ZERO_ROW_AT: usize = ROWS_AT + 16 * STRIP + 32;

// @ts-ignore: decorator
@inline
function epiloguesAt(params: ConvParams, scratch: usize): usize {
  return scratch + ZERO_ROW_AT + alignTo16(params.outChannels) + 16;
}

// @ts-ignore: decorator
@inline
function columnsAt(params: ConvParams, scratch: usize): usize {
  return epiloguesAt(params, scratch) + <usize>((params.outChannels + 7) >> 3) * EPILOGUE_BYTES;
}

function dwconv2d(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
  real: bool,
): void {
  prepare(params, w, scratch);
  const band = is3x3(params) ? max(1, STRIP / params.outWidth) : 0;
  const rowBytes: usize = (params.outWidth * params.outStride) << (real ? 2 : 0);
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  const end = first + count;
  y += <usize>first * rowBytes;
  while (first < end) {
    const image = x + (first / params.outHeight) * imageBytes;
    const oy = first % params.outHeight;
    const rows = max(1, min(band, min(params.outHeight - oy, end - first)));
    if (band) band3x3(params, image, w, y, oy, rows, scratch, real);
    else {
      rowOfAny(params, image, w, y, oy, scratch, scratch + ZERO_ROW_AT, epiloguesAt(params, scratch),
        columnsAt(params, scratch), real);
    }
    y += <usize>rows * rowBytes;
    first += rows;
  }
}

/** Whether band3x3 applies: at most the first and the last column of a row lie outside the image. */
function is3x3(params: ConvParams): bool {
  const columns = (params.outWidth - 1) * params.strideWidth + 3;
  return params.kernelHeight == 3 && params.kernelWidth == 3 &&
    params.dilationHeight == 1 && params.dilationWidth == 1 &&
    params.strideHeight <= 2 && params.strideWidth <= 2 &&
    params.padLeft <= 1 && columns - params.padLeft <= params.inWidth + 1;
}

/** Rounding constants, the row of zero points, and the epilogues with the bias that holds the zero point. */
function prepare(params: ConvParams, w: usize, scratch: usize): void {
  writeRoundingLanes(scratch, params.outZeroPoint, params.qmin, params.qmax);
  const zero = i8x16.splat(<i8>params.inZeroPoint);
  const channels = params.outChannels;
  for (let c = 0; c < channels; c += 16) v128.store(scratch + ZERO_ROW_AT + c, zero);

  const minusZero = i16x8.splat(<i16>-params.inZeroPoint);
  const pairs = params.kernelWidth * ((params.kernelHeight + 1) >> 1);
  let to = epiloguesAt(params, scratch);
  for (let at = 0; at < channels << 2; at += 32) {
    let low = v128.load(params.bias + at), high = v128.load(params.bias + at, 16);
    for (let t = 0; t < pairs; t++) {
      low = i32x4.add(low, i32x4.dot_i16x8_s(minusZero, v128.load(w)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(minusZero, v128.load(w, 16)));
      w += 32;
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    // Not memory.copy: V8 calls out of wasm for it (measured: 36 cycles a group for the two).
    v128.store(to, v128.load(params.multiplier + at), 32);
    v128.store(to, v128.load(params.multiplier + at, 16), 48);
    v128.store(to, v128.load(params.addend + at), 64);
    v128.store(to, v128.load(params.addend + at, 16), 80);
    to += EPILOGUE_BYTES;
  }
}

/**
 * `rows` output rows of a 3x3 kernel, eight channels at a time. Either they fit in one strip together, which is then
 * contiguous in y, or there is one row of several strips.
 */
function band3x3(
  params: ConvParams, x: usize, w: usize, y: usize, oy: i32, rows: i32, scratch: usize, real: bool,
): void {
  const shift = real ? 2 : 0;
  const stride = params.strideWidth;
  const yStride: usize = params.outStride << shift;
  const nextRow: usize = params.strideHeight << 3;
  for (let ox = 0; ox < params.outWidth; ox += STRIP) {
    const n = min(STRIP, params.outWidth - ox);
    const ix = ox * stride - params.padLeft;
    const first = ix >= 0, last = ix + (n - 1) * stride + 2 < params.inWidth;
    listRows(params, x, oy * params.strideHeight - params.padTop, ix, rows, scratch);
    let epilogue = epiloguesAt(params, scratch), panel = w, to = y + <usize>ox * yStride;
    for (let c = 0; c < params.outChannels; c += 8) {
      let at = scratch + ROWS_AT, sums = scratch + SUMS_AT;
      if (stride == 2) {
        const zero = scratch + ZERO_ROW_AT + c;
        sums3x3Stride2(at, c, zero, panel, epilogue, sums, n, rows, nextRow, first, last);
      } else {
        for (let r = 0; r < rows; r++) {
          sums3x3(
            load<usize>(at) + c, load<usize>(at, 8) + c, load<usize>(at, 16) + c,
            load<usize>(at, 4), load<usize>(at, 12), load<usize>(at, 20),
            panel, epilogue, sums, n, first, last, params.inZeroPoint,
          );
          at += nextRow;
          sums += n << 5;
        }
      }
      emitSums(params, scratch, rows * n, epilogue, to, yStride, params.outChannels - c, real);
      to += 8 << shift;
      panel += 192;
      epilogue += EPILOGUE_BYTES;
    }
  }
}

/**
 * The input rows of `rows` output rows, from row iy on: address of column ix | bytes to the next column. A row outside
 * the image is the zero row again and again: its step is 0.
 */
function listRows(
  params: ConvParams, x: usize, iy: i32, ix: i32, rows: i32, scratch: usize,
): void {
  let at = scratch + ROWS_AT;
  const end = iy + (rows - 1) * params.strideHeight + 3;
  for (; iy < end; iy++) {
    const inside = <u32>iy < <u32>params.inHeight;
    const start = x + (iy * params.inWidth + ix) * params.inStride;
    store<usize>(at, inside ? start : scratch + ZERO_ROW_AT);
    store<i32>(at, inside ? params.inStride : 0, 4);
    at += 8;
  }
}

export function qs8_dwconv2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2dPlain(params, first, count, x, w, y, false);
}

export function qs8_f32_dwconv2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2dPlain(params, first, count, x, w, y, true);
}

// @ts-ignore: decorator
@inline
function dwconv2dPlain(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, real: bool,
): void {
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  y += (first * params.outWidth * params.outStride) << (real ? 2 : 0);
  for (let row = first; row < first + count; row++) {
    const image = x + (row / params.outHeight) * imageBytes;
    for (let ox = 0; ox < params.outWidth; ox++) {
      for (let c = 0; c < params.outChannels; c++) {
        const acc = dotPlain(params, image, w, row % params.outHeight, ox, c);
        const at: usize = c << 2;
        const u = scaleAcc(acc, load<i32>(<usize>params.bias + at),
          load<f32>(<usize>params.multiplier + at), load<f32>(<usize>params.addend + at));
        if (real) store<f32>(y + at, u);
        else store<i8>(y + c, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
      }
      y += params.outStride << (real ? 2 : 0);
    }
  }
}

function dotPlain(params: ConvParams, x: usize, w: usize, oy: i32, ox: i32, c: i32): i32 {
  const columnBytes = ((params.kernelHeight + 1) >> 1) << 5;
  const group = w + (c >> 3) * params.kernelWidth * columnBytes + ((c & 7) << 2);
  let acc = 0;
  for (let i = 0; i < params.kernelHeight; i++) {
    const iy = oy * params.strideHeight - params.padTop + i * params.dilationHeight;
    for (let j = 0; j < params.kernelWidth; j++) {
      const ix = ox * params.strideWidth - params.padLeft + j * params.dilationWidth;
      if (<u32>iy >= <u32>params.inHeight || <u32>ix >= <u32>params.inWidth) continue;
      const value = <i32>load<i8>(x + (iy * params.inWidth + ix) * params.inStride + c);
      const weight = <i32>load<i16>(group + j * columnBytes + ((i >> 1) << 5) + ((i & 1) << 1));
      acc += (value - params.inZeroPoint) * weight;
    }
  }
  return acc;
}
