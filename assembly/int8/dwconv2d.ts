import { ConvParams } from '../abi';
import { alignTo16, storeBytes, storeFloats } from '../lib/lanes';
import {
  roundLanesFrom, roundToRange, scaleAcc, scaleLanes, writeRoundingLanes,
} from '../lib/requantize';

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
 * Eight channels a step. Two taps of a column, interleaved as i16 pairs, meet a pair of weights in one dot product.
 * The zero point leaves the loop: Σ (x − z)·w + bias = Σ x·w + (bias − z·Σ w), sums mod 2³², and taps outside the
 * image read z from a row of zero points.
 *
 * Reads 15 bytes past x, writes C elements a pixel. Scratch, dwconv2dScratchBytes(C, Kh, Kw):
 *
 *     rounding lanes 64 | zero row | bias − z·Σw, i32 [C] | addresses of the taps, in the order of packed
 */
export function qs8_dwconv2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2d(params, batch, x, w, y, scratch, false);
}

export function qs8_f32_dwconv2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2d(params, batch, x, w, y, scratch, true);
}

// @ts-ignore: decorator
@inline const ZERO_ROW_AT: usize = 64;

// @ts-ignore: decorator
@inline
function biasAt(params: ConvParams, scratch: usize): usize {
  return scratch + ZERO_ROW_AT + alignTo16(params.outChannels) + 16;
}

// @ts-ignore: decorator
@inline
function tapsAt(params: ConvParams, scratch: usize): usize {
  return biasAt(params, scratch) + (alignTo16(params.outChannels) << 2);
}

function dwconv2d(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, scratch: usize, real: bool,
): void {
  prepare(params, w, scratch);
  const stride = params.strideWidth;
  const fast = params.kernelHeight == 3 && params.kernelWidth == 3 && params.dilationWidth == 1;
  const rowBytes: usize = (params.outWidth * params.outStride) << (real ? 2 : 0);
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < params.outHeight; oy++) {
      if (fast && stride == 1) row3x3(params, x, w, y, oy, scratch, real, 1);
      else if (fast && stride == 2) row3x3(params, x, w, y, oy, scratch, real, 2);
      else row(params, x, w, y, oy, scratch, real);
      y += rowBytes;
    }
    x += params.inHeight * params.inWidth * params.inStride;
  }
}

/** Rounding constants, the row of zero points, and the bias that takes the zero point out of the loop. */
function prepare(params: ConvParams, w: usize, scratch: usize): void {
  writeRoundingLanes(scratch, params.outZeroPoint, params.qmin, params.qmax);
  const zero = i8x16.splat(<i8>params.inZeroPoint);
  const channels = params.outChannels;
  for (let c = 0; c < channels; c += 16) v128.store(scratch + ZERO_ROW_AT + c, zero);

  const minusZero = i16x8.splat(<i16>-params.inZeroPoint);
  const pairs = params.kernelWidth * ((params.kernelHeight + 1) >> 1);
  let to = biasAt(params, scratch);
  let from: usize = params.bias;
  for (let c = 0; c < channels; c += 8) {
    let low = v128.load(from), high = v128.load(from, 16);
    for (let t = 0; t < pairs; t++) {
      low = i32x4.add(low, i32x4.dot_i16x8_s(minusZero, v128.load(w)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(minusZero, v128.load(w, 16)));
      w += 32;
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    to += 32;
    from += 32;
  }
}

/**
 * One output row of a 3x3 kernel, no dilation, stride 1 or 2 across. Walks along the input row: each column is
 * interleaved once, (r0, r1) and (r2, r2), and added to every output that it belongs to.
 *
 *     stride 1:   column ix ends output ix − 2, continues ix − 1, begins ix        two sums under way
 *     stride 2:   an even column ends one output and begins the next, an odd one continues
 */
// @ts-ignore: decorator
@inline
function row3x3(
  params: ConvParams, x: usize, w: usize, y: usize, oy: i32, scratch: usize, real: bool,
  stride: i32,
): void {
  const channels = params.outChannels;
  const yStride = params.outStride << (real ? 2 : 0);
  const width = params.inWidth;
  const first = -params.padLeft;
  const iy = oy * params.strideHeight - params.padTop;
  const down = params.dilationHeight;
  // A row outside the image is the zero row again and again: its step is 0.
  const step0 = stepOf(params, iy), step1 = stepOf(params, iy + down);
  const step2 = stepOf(params, iy + 2 * down);
  const last = first + (params.outWidth - 1) * stride + 3;
  for (let c = 0; c < channels; c += 8) {
    const zero = scratch + ZERO_ROW_AT + c;
    let p0 = rowStart(params, x, iy, first, c, zero);
    let p1 = rowStart(params, x, iy + down, first, c, zero);
    let p2 = rowStart(params, x, iy + 2 * down, first, c, zero);
    const bias = biasAt(params, scratch) + (c << 2);
    const count = min(8, channels - c);
    let to = y;
    let low0 = v128.load(bias), high0 = v128.load(bias, 16), low1 = low0, high1 = high0;
    for (let ix = first; ix < last; ix++) {
      const inside = <u32>ix < <u32>width;
      const r0 = v128.load_ext<i8>(inside ? p0 : zero);
      const r1 = v128.load_ext<i8>(inside ? p1 : zero);
      const r2 = v128.load_ext<i8>(inside ? p2 : zero);
      p0 += step0;
      p1 += step1;
      p2 += step2;
      const low01 = zipLow(r0, r1), high01 = zipHigh(r0, r1);
      const low22 = zipLow(r2, r2), high22 = zipHigh(r2, r2);
      if (stride == 2 && (ix - first) & 1) {
        low0 = addColumn(low0, low01, low22, w, 64);
        high0 = addColumn(high0, high01, high22, w, 80);
        continue;
      }
      const low = addColumn(low0, low01, low22, w, 128);
      const high = addColumn(high0, high01, high22, w, 144);
      if (stride == 1) {
        low0 = addColumn(low1, low01, low22, w, 64);
        high0 = addColumn(high1, high01, high22, w, 80);
        low1 = addColumn(v128.load(bias), low01, low22, w, 0);
        high1 = addColumn(v128.load(bias, 16), high01, high22, w, 16);
      } else {
        low0 = addColumn(v128.load(bias), low01, low22, w, 0);
        high0 = addColumn(v128.load(bias, 16), high01, high22, w, 16);
      }
      if (ix - first < 2) continue;
      emit(params, low, high, c, to, count, scratch, real);
      to += yStride;
    }
    w += 192;
  }
}

// @ts-ignore: decorator
@inline
function stepOf(params: ConvParams, iy: i32): i32 {
  return <u32>iy < <u32>params.inHeight ? params.inStride : 0;
}

// @ts-ignore: decorator
@inline
function rowStart(params: ConvParams, x: usize, iy: i32, ix: i32, c: i32, zero: usize): usize {
  if (<u32>iy >= <u32>params.inHeight) return zero;
  return x + (iy * params.inWidth + ix) * params.inStride + c;
}

/** acc + one column of taps, for four channels; its two pairs of weights stand 32 bytes apart. */
// @ts-ignore: decorator
@inline
function addColumn(acc: v128, top: v128, bottom: v128, w: usize, at: usize): v128 {
  acc = i32x4.add(acc, i32x4.dot_i16x8_s(top, v128.load(w + at)));
  return i32x4.add(acc, i32x4.dot_i16x8_s(bottom, v128.load(w + at, 32)));
}

/** One output row of any kernel. */
function row(
  params: ConvParams, x: usize, w: usize, y: usize, oy: i32, scratch: usize, real: bool,
): void {
  for (let ox = 0; ox < params.outWidth; ox++) {
    listTaps(params, x, oy, ox, scratch);
    pixel(params, w, y, scratch, real);
    y += params.outStride << (real ? 2 : 0);
  }
}

/** The addresses of the taps of one output pixel; below an odd last row its own address stands again. */
function listTaps(params: ConvParams, x: usize, oy: i32, ox: i32, scratch: usize): void {
  let at = tapsAt(params, scratch);
  for (let j = 0; j < params.kernelWidth; j++) {
    const ix = ox * params.strideWidth - params.padLeft + j * params.dilationWidth;
    for (let i = 0; i < params.kernelHeight; i++) {
      const iy = oy * params.strideHeight - params.padTop + i * params.dilationHeight;
      const inside = <u32>iy < <u32>params.inHeight && <u32>ix < <u32>params.inWidth;
      const tap = inside
        ? x + (iy * params.inWidth + ix) * params.inStride
        : scratch + ZERO_ROW_AT;
      store<usize>(at, tap);
      at += 4;
    }
    if (params.kernelHeight & 1) {
      store<usize>(at, load<usize>(at - 4));
      at += 4;
    }
  }
}

/** All channels of one output pixel, from the list of taps. */
// @ts-ignore: decorator
@inline
function pixel(params: ConvParams, w: usize, y: usize, scratch: usize, real: bool): void {
  const taps = tapsAt(params, scratch);
  const bias = biasAt(params, scratch);
  const channels = params.outChannels;
  const end = taps + ((params.kernelWidth * ((params.kernelHeight + 1) >> 1)) << 3);
  for (let c = 0; c < channels; c += 8) {
    let low = v128.load(bias + (c << 2)), high = v128.load(bias + (c << 2), 16);
    for (let at = taps; at < end; at += 8) {
      const r0 = v128.load_ext<i8>(load<usize>(at) + c);
      const r1 = v128.load_ext<i8>(load<usize>(at, 4) + c);
      low = i32x4.add(low, i32x4.dot_i16x8_s(zipLow(r0, r1), v128.load(w)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(zipHigh(r0, r1), v128.load(w, 16)));
      w += 32;
    }
    emit(params, low, high, c, y, min(8, channels - c), scratch, real);
  }
}

// @ts-ignore: decorator
@inline
function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Eight finished accumulators of channels c… to y. */
// @ts-ignore: decorator
@inline
function emit(
  params: ConvParams, low: v128, high: v128, c: i32, y: usize, count: i32, lanes: usize,
  real: bool,
): void {
  const multiplier: usize = params.multiplier + (c << 2);
  const addend: usize = params.addend + (c << 2);
  low = scaleLanes(low, v128.load(multiplier), v128.load(addend));
  high = scaleLanes(high, v128.load(multiplier, 16), v128.load(addend, 16));
  if (real) {
    storeFloats(y + (c << 2), low, high, count);
    return;
  }
  const wide = i16x8.narrow_i32x4_s(roundLanesFrom(low, lanes), roundLanesFrom(high, lanes));
  const bytes = i8x16.narrow_i16x8_s(wide, wide);
  if (count == 8) v128.store64_lane(y + c, bytes, 0);
  else storeBytes(y + c, bytes, count);
}

export function qs8_dwconv2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2dPlain(params, batch, x, w, y, false);
}

export function qs8_f32_dwconv2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  dwconv2dPlain(params, batch, x, w, y, true);
}

// @ts-ignore: decorator
@inline
function dwconv2dPlain(
  params: ConvParams, batch: i32, x: usize, w: usize, y: usize, real: bool,
): void {
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < params.outHeight; oy++) {
      for (let ox = 0; ox < params.outWidth; ox++) {
        for (let c = 0; c < params.outChannels; c++) {
          const acc = dotPlain(params, x, w, oy, ox, c);
          const at: usize = c << 2;
          const u = scaleAcc(acc, load<i32>(<usize>params.bias + at),
            load<f32>(<usize>params.multiplier + at), load<f32>(<usize>params.addend + at));
          if (real) store<f32>(y + at, u);
          else store<i8>(y + c, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
        }
        y += params.outStride << (real ? 2 : 0);
      }
    }
    x += params.inHeight * params.inWidth * params.inStride;
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
