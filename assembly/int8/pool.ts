import { PoolParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * y[p, c] = clamp(max over the taps inside the image of x[tap, c], qmin, qmax)
 *
 * Computes the output rows first … first + count − 1 of the batch; x and y point to the whole tensors.
 *
 * x  [batch, H, W, C] i8     y  [batch, outHeight, outWidth, C] i8     A window wholly outside gives qmin.
 * Reads 15 bytes past x, writes C bytes a pixel.
 */
export function qs8_maxpool2d__simd128(
  params: PoolParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const channels = params.channels;
  const rowBytes = params.inWidth * channels;
  const lo = i8x16.splat(<i8>params.qmin);
  const hi = i8x16.splat(<i8>params.qmax);
  const imageBytes = params.inHeight * rowBytes;
  y += first * params.outWidth * channels;
  for (let end = first + count; first < end; first++) {
    const image = x + (first / params.outHeight) * imageBytes;
    const y0 = (first % params.outHeight) * params.strideHeight - params.padTop;
    const top = max(y0, 0), bottom = min(y0 + params.kernelHeight, params.inHeight);
    for (let ox = 0; ox < params.outWidth; ox++) {
      const x0 = ox * params.strideWidth - params.padLeft;
      const left = max(x0, 0), right = min(x0 + params.kernelWidth, params.inWidth);
      const corner = image + top * rowBytes + left * channels;
      for (let c = 0; c < channels; c += 16) {
        let best = lo, row = corner + c;
        for (let i = top; i < bottom; i++) {
          let tap = row;
          for (let j = left; j < right; j++) {
            best = i8x16.max_s(best, v128.load(tap));
            tap += channels;
          }
          row += rowBytes;
        }
        storeUpTo16(y + c, i8x16.min_s(best, hi), channels - c);
      }
      y += channels;
    }
  }
}

// @ts-ignore: decorator
@inline
function storeUpTo16(y: usize, lanes: v128, count: i32): void {
  if (count >= 16) {
    v128.store(y, lanes);
    return;
  }
  if (count & 8) {
    v128.store64_lane(y, lanes, 0);
    lanes = v128.shuffle<i64>(lanes, lanes, 1, 1);
    y += 8;
  }
  storeBytes(y, lanes, count & 7);
}

/** So many int8 fit into a sum of int16. */
// @ts-ignore: decorator
@inline const MOST_I16: i32 = 255;

/**
 * acc[p, c] = Σ over the taps inside the image of (x[tap, c] − inZeroPoint), t of them
 * y[p, c] = clamp(rte(f32(acc · multiplier[(t − 1) · multiplierStride])) + outZeroPoint, qmin, qmax)
 *
 * Computes the output rows first … first + count − 1 of the batch; x and y point to the whole tensors.
 *
 * x  [batch, H, W, C] i8     y  [batch, outHeight, outWidth, C] i8     A window wholly outside counts as acc = 0.
 * Reads 15 bytes past x, writes C bytes a pixel. Kernels of up to 2²³ taps (the accumulator is i32).
 */
export function qs8_avgpool2d__simd128(
  params: PoolParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const channels = params.channels;
  const rowBytes = params.inWidth * channels;
  const zeroPoint = params.outZeroPoint;
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  const imageBytes = params.inHeight * rowBytes;
  y += first * params.outWidth * channels;
  for (let end = first + count; first < end; first++) {
    const image = x + (first / params.outHeight) * imageBytes;
    const y0 = (first % params.outHeight) * params.strideHeight - params.padTop;
    const top = max(y0, 0), bottom = min(y0 + params.kernelHeight, params.inHeight);
    for (let ox = 0; ox < params.outWidth; ox++) {
      const x0 = ox * params.strideWidth - params.padLeft;
      const left = max(x0, 0), right = min(x0 + params.kernelWidth, params.inWidth);
      const corner = image + top * rowBytes + left * channels;
      const taps = max(bottom - top, 0) * max(right - left, 0);
      const multiplier = f32x4.splat(multiplierOf(params, taps));
      const start = i32x4.splat(-taps * params.inZeroPoint);
      for (let c = 0; c < channels; c += 8) {
        let low = start, high = start, row = corner + c;
        let part = i16x8.splat(0), room = MOST_I16;
        for (let i = top; i < bottom; i++) {
          let tap = row;
          for (let j = left; j < right; j++) {
            part = i16x8.add(part, v128.load_ext<i8>(tap));
            tap += channels;
            if (--room == 0) {
              low = i32x4.add(low, i32x4.extend_low_i16x8_s(part));
              high = i32x4.add(high, i32x4.extend_high_i16x8_s(part));
              part = i16x8.splat(0);
              room = MOST_I16;
            }
          }
          row += rowBytes;
        }
        low = i32x4.add(low, i32x4.extend_low_i16x8_s(part));
        high = i32x4.add(high, i32x4.extend_high_i16x8_s(part));
        const u0 = f32x4.mul(f32x4.convert_i32x4_s(low), multiplier);
        const u1 = f32x4.mul(f32x4.convert_i32x4_s(high), multiplier);
        const q = i16x8.narrow_i32x4_s(
          roundLanes(u0, lo, hi, magic, magicBits), roundLanes(u1, lo, hi, magic, magicBits),
        );
        const bytes = i8x16.narrow_i16x8_s(q, q);
        if (channels - c >= 8) v128.store64_lane(y + c, bytes, 0);
        else storeBytes(y + c, bytes, channels - c);
      }
      y += channels;
    }
  }
}

// @ts-ignore: decorator
@inline
function multiplierOf(params: PoolParams, taps: i32): f32 {
  const at = max(taps - 1, 0) * params.multiplierStride;
  return load<f32>(params.multiplier + (at << 2));
}

export function qs8_maxpool2d__scalar(
  params: PoolParams, first: i32, count: i32, x: usize, y: usize,
): void {
  poolPlain(params, first, count, x, y, false);
}

export function qs8_avgpool2d__scalar(
  params: PoolParams, first: i32, count: i32, x: usize, y: usize,
): void {
  poolPlain(params, first, count, x, y, true);
}

// @ts-ignore: decorator
@inline
function poolPlain(
  params: PoolParams, first: i32, count: i32, x: usize, y: usize, average: bool,
): void {
  const imageBytes = params.inHeight * params.inWidth * params.channels;
  y += first * params.outWidth * params.channels;
  for (let row = first; row < first + count; row++) {
    const image = x + (row / params.outHeight) * imageBytes;
    for (let ox = 0; ox < params.outWidth; ox++) {
      for (let c = 0; c < params.channels; c++) {
        store<i8>(y++, windowPlain(params, image, row % params.outHeight, ox, c, average));
      }
    }
  }
}

function windowPlain(
  params: PoolParams, x: usize, oy: i32, ox: i32, c: i32, average: bool,
): i32 {
  let sum = 0, count = 0, best = params.qmin;
  for (let i = 0; i < params.kernelHeight; i++) {
    const iy = oy * params.strideHeight - params.padTop + i;
    for (let j = 0; j < params.kernelWidth; j++) {
      const ix = ox * params.strideWidth - params.padLeft + j;
      if (<u32>iy >= <u32>params.inHeight || <u32>ix >= <u32>params.inWidth) continue;
      const q = <i32>load<i8>(x + (iy * params.inWidth + ix) * params.channels + c);
      sum += q - params.inZeroPoint;
      best = max(best, q);
      count++;
    }
  }
  if (!average) return min(best, params.qmax);
  const at = max(count - 1, 0) * params.multiplierStride;
  const u = <f32>sum * load<f32>(params.multiplier + (at << 2));
  return roundToRange(u, params.outZeroPoint, params.qmin, params.qmax);
}
