import { ConvParams } from '../abi';
import { alignTo16, highHalf, storeBytes, storeFloats } from '../lib/lanes';
import {
  clampLanes, clampToBytes, roundToRange, roundToShorts, scaleAcc, scaleLanes, writeRoundingLanes,
} from '../lib/requantize';
import { BLOCK_BYTES, LANES_AT, packBlock, paddedDepth, ZERO_ROW_AT } from './packInput';

/**
 * Convolution, and with a 1x1 kernel matrix multiplication:
 *
 *     acc[p, n] = Σ_k (x[p, k] − inZeroPoint) · w[n, k]         k over the taps (i, j, c), see ConvParams
 *     qs8:      y[p, n] = clamp(rte(u) + outZeroPoint, qmin, qmax)       qs8_f32:   y[p, n] = u
 *     u = f32(f32(f32(acc + bias[n]) · multiplier[n]) + addend[n])
 *
 * x  [batch, H, W, Ci] i8     w  packed by qs8_pack_weights(n = outChannels, rows = Kh, run = Kw·Ci)
 * y  [batch, outHeight, outWidth, outChannels] i8, or f32 (outStride then counts f32)
 *
 * Computes the output pixels first … first + count − 1 of the batch; x, w and y point to the whole tensors.
 *
 * Each kernel row is padded to an even length, so k = Kh·(Kw·Ci rounded up to 2). Four output pixels make an A-panel
 * [k/2][4][2] i16 with the zero point subtracted; a block of A-panels that
 * stays in L1 meets each panel of weights in turn; a tile of 4 pixels × 8 outputs is eight i32x4 accumulators.
 * Padding is 0 in the panels, so there are no correction terms.
 *
 * Reads 15 bytes past x, writes outChannels elements a pixel. Scratch: conv2dScratchBytes(k).
 */
export function qs8_conv2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  conv2d(params, first, count, x, w, y, scratch, false);
}

export function qs8_f32_conv2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  conv2d(params, first, count, x, w, y, scratch, true);
}

/** Outputs of a block: each panel of weights writes eight of every pixel, so they too should stay in L1. */
// @ts-ignore: decorator
@inline const OUTPUT_BYTES: i32 = 16384;

function conv2d(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
  real: bool,
): void {
  assert(first >= 0 && count >= 0 && params.outChannels > 0 && params.inChannels > 0);
  const k = paddedDepth(params);
  const k16 = alignTo16(k);
  const panelBytes = k16 << 3;
  const most = min(BLOCK_BYTES / panelBytes, OUTPUT_BYTES / (params.outStride << 2));
  const block = max(1, most) << 2;
  const panels = scratch + ZERO_ROW_AT + 5 * (k16 + 16);
  const wBytes: usize = k << 4;
  const channels = params.outChannels;
  const yStride: usize = params.outStride << (real ? 2 : 0);
  prepare(params, scratch);

  const end = first + count;
  y += <usize>first * yStride;
  for (; first < end; first += block) {
    count = min(block, end - first);
    packBlock(params, x, first, count, scratch, panels, panelBytes);
    let panel = w;
    for (let n = 0; n < channels; n += 8) {
      let to = y + (n << (real ? 2 : 0));
      for (let p = 0; p < count; p += 4) {
        tile(params, panels + (p >> 2) * panelBytes, panel, wBytes, n, min(8, channels - n),
          to, yStride, min(4, count - p), scratch + LANES_AT, real);
        to += yStride << 2;
      }
      panel += wBytes;
    }
    y += <usize>count * yStride;
  }
}

/** Writes what does not change during a call: rounding constants and one row of zero points. */
// @ts-ignore: decorator
@inline
function prepare(params: ConvParams, scratch: usize): void {
  writeRoundingLanes(scratch + LANES_AT, params.outZeroPoint, params.qmin, params.qmax);
  const zero = i8x16.splat(<i8>params.inZeroPoint);
  const run = params.kernelWidth * params.inChannels;
  for (let i = 0; i < run; i += 16) v128.store(scratch + ZERO_ROW_AT + i, zero);
}

/** 4 pixels × 8 outputs. The loop takes one pair of k; V8 unrolls it as far as its registers reach. */
// @ts-ignore: decorator
@inline
function tile(
  params: ConvParams, a: usize, w: usize, wBytes: usize, n: usize, columns: i32,
  y: usize, yStride: usize, rows: i32, lanes: usize, real: bool,
): void {
  const bias = <usize>params.bias + (n << 2);
  let acc00 = v128.load(bias), acc01 = v128.load(bias, 16);
  let acc10 = acc00, acc11 = acc01, acc20 = acc00, acc21 = acc01, acc30 = acc00, acc31 = acc01;
  const end = w + wBytes;
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a0 = v128.load32_splat(a);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(a0, w0));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(a0, w1));
    const a1 = v128.load32_splat(a, 4);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(a1, w0));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(a1, w1));
    const a2 = v128.load32_splat(a, 8);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(a2, w0));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(a2, w1));
    const a3 = v128.load32_splat(a, 12);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(a3, w0));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(a3, w1));
    a += 16;
    w += 32;
  } while (w < end);

  const multiplier = <usize>params.multiplier + (n << 2);
  const addend = <usize>params.addend + (n << 2);
  const m0 = v128.load(multiplier), m1 = v128.load(multiplier, 16);
  const b0 = v128.load(addend), b1 = v128.load(addend, 16);
  acc00 = scaleLanes(acc00, m0, b0);
  acc01 = scaleLanes(acc01, m1, b1);
  acc10 = scaleLanes(acc10, m0, b0);
  acc11 = scaleLanes(acc11, m1, b1);
  acc20 = scaleLanes(acc20, m0, b0);
  acc21 = scaleLanes(acc21, m1, b1);
  acc30 = scaleLanes(acc30, m0, b0);
  acc31 = scaleLanes(acc31, m1, b1);
  if (real) {
    storeFloats(y, acc00, acc01, columns);
    if (rows > 1) storeFloats(y + yStride, acc10, acc11, columns);
    if (rows > 2) storeFloats(y + 2 * yStride, acc20, acc21, columns);
    if (rows > 3) storeFloats(y + 3 * yStride, acc30, acc31, columns);
    return;
  }
  if (!params.magic) {
    acc00 = clampLanes(acc00, lanes);
    acc01 = clampLanes(acc01, lanes);
    acc10 = clampLanes(acc10, lanes);
    acc11 = clampLanes(acc11, lanes);
    acc20 = clampLanes(acc20, lanes);
    acc21 = clampLanes(acc21, lanes);
    acc30 = clampLanes(acc30, lanes);
    acc31 = clampLanes(acc31, lanes);
  }
  const rows01 = clampToBytes(
    roundToShorts(acc00, acc01, lanes), roundToShorts(acc10, acc11, lanes), lanes,
  );
  const rows23 = clampToBytes(
    roundToShorts(acc20, acc21, lanes), roundToShorts(acc30, acc31, lanes), lanes,
  );
  if (columns == 8 && rows == 4) {
    v128.store64_lane(y, rows01, 0);
    v128.store64_lane(y + yStride, rows01, 1);
    v128.store64_lane(y + 2 * yStride, rows23, 0);
    v128.store64_lane(y + 3 * yStride, rows23, 1);
    return;
  }
  storeUpTo8(y, rows01, columns);
  if (rows > 1) storeUpTo8(y + yStride, highHalf(rows01), columns);
  if (rows > 2) storeUpTo8(y + 2 * yStride, rows23, columns);
  if (rows > 3) storeUpTo8(y + 3 * yStride, highHalf(rows23), columns);
}

function storeUpTo8(y: usize, lanes: v128, count: i32): void {
  if (count & 8) v128.store64_lane(y, lanes, 0);
  else storeBytes(y, lanes, count);
}

export function qs8_conv2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  conv2dPlain(params, first, count, x, w, y, false);
}

export function qs8_f32_conv2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  conv2dPlain(params, first, count, x, w, y, true);
}

function conv2dPlain(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, real: bool,
): void {
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  for (let p = first; p < first + count; p++) {
    const row = p / params.outWidth;
    const image = x + (row / params.outHeight) * imageBytes;
    const to = y + ((p * params.outStride) << (real ? 2 : 0));
    for (let n = 0; n < params.outChannels; n++) {
      const acc = dotPlain(params, image, w, row % params.outHeight, p % params.outWidth, n);
      const at: usize = n << 2;
      const u = scaleAcc(acc, load<i32>(<usize>params.bias + at),
        load<f32>(<usize>params.multiplier + at), load<f32>(<usize>params.addend + at));
      if (real) store<f32>(to + at, u);
      else store<i8>(to + n, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
  }
}

function dotPlain(params: ConvParams, x: usize, w: usize, oy: i32, ox: i32, n: i32): i32 {
  const k = paddedDepth(params);
  const panel = w + (n >> 3) * (k << 4) + ((n & 7) << 2);
  let acc = 0, t = 0;
  for (let i = 0; i < params.kernelHeight; i++) {
    const iy = oy * params.strideHeight - params.padTop + i * params.dilationHeight;
    for (let j = 0; j < params.kernelWidth; j++) {
      const ix = ox * params.strideWidth - params.padLeft + j * params.dilationWidth;
      const inside = <u32>iy < <u32>params.inHeight && <u32>ix < <u32>params.inWidth;
      for (let c = 0; c < params.inChannels; c++, t++) {
        if (!inside) continue;
        const value = <i32>load<i8>(x + (iy * params.inWidth + ix) * params.inStride + c);
        const weight = <i32>load<i16>(panel + ((t >> 1) << 5) + ((t & 1) << 1));
        acc += (value - params.inZeroPoint) * weight;
      }
    }
    t += t & 1;
  }
  return acc;
}
