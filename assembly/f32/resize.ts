import { ResizeParams } from '../abi';
import { storeFloats } from '../lib/lanes';

/** Weights have 11 fractional bits: the product of two is an integer of 22 bits, exact in f32. */
// @ts-ignore: decorator
@inline const ONE: i32 = 2048;
// @ts-ignore: decorator
@inline const UNIT: f32 = 2.384185791015625e-7;

/** Two neighbours along one axis: their offsets in bytes and the weight of the second, in 1/2048. */
@unmanaged
class Tap {
  lower: i32;
  upper: i32;
  fraction: i32;
}

// @ts-ignore: decorator
@inline const TAP_BYTES: i32 = 12;

// @ts-ignore: decorator
@inline
function weight(f: i32, g: i32): f32 {
  return <f32>(f * g) * UNIT;
}

/**
 * With f, g the fractions of row r and column p in 1/2048, a and b the neighbours in the lower row, c and d those in the upper:
 *
 *     y[r, p] = a·(1 − f)·(1 − g) + b·(1 − f)·g + c·f·(1 − g) + d·f·g
 *
 * x  [N, H, W, C] f32     y  [N, outHeight, outWidth, C] f32     offsets and inBytes in bytes
 * Rows first … first + count − 1 of the N · outHeight rows of y; x and y are the addresses of the whole tensors.
 */
export function f32_resize_bilinear__scalar(
  params: ResizeParams, first: i32, count: i32, x: usize, y: usize,
): void {
  y += (first * params.outWidth * params.channels) << 2;
  for (let r = first; r < first + count; r++) {
    const row = changetype<Tap>(params.rows + (r % params.outHeight) * TAP_BYTES);
    const image = x + (r / params.outHeight) * params.inBytes;
    const lower = image + row.lower, upper = image + row.upper, f = row.fraction;
    for (let p = 0; p < params.outWidth; p++) {
      const column = changetype<Tap>(params.columns + p * TAP_BYTES);
      const g = column.fraction;
      for (let c = 0; c < params.channels << 2; c += 4, y += 4) {
        let sum = weight(ONE - f, ONE - g) * load<f32>(lower + column.lower + c);
        sum += weight(ONE - f, g) * load<f32>(lower + column.upper + c);
        sum += weight(f, ONE - g) * load<f32>(upper + column.lower + c);
        sum += weight(f, g) * load<f32>(upper + column.upper + c);
        store<f32>(y, sum);
      }
    }
  }
}

export function f32_resize_bilinear__simd128(
  params: ResizeParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const pixel = <usize>params.channels << 2, outHeight = params.outHeight;
  const columns: usize = params.columns;
  const end = columns + params.outWidth * TAP_BYTES;
  y += <usize>(first * params.outWidth) * pixel;
  for (let r = first; r < first + count; r++) {
    const n = r / outHeight;
    const row = changetype<Tap>(params.rows + (r - n * outHeight) * TAP_BYTES);
    const image = x + n * params.inBytes, f = row.fraction;
    for (let at = columns; at < end; at += TAP_BYTES, y += pixel) {
      const tap = changetype<Tap>(at);
      const g = tap.fraction;
      const wa = f32x4.splat(weight(ONE - f, ONE - g)), wb = f32x4.splat(weight(ONE - f, g));
      const wc = f32x4.splat(weight(f, ONE - g)), wd = f32x4.splat(weight(f, g));
      const a = image + row.lower + tap.lower, b = image + row.lower + tap.upper;
      const c = image + row.upper + tap.lower, d = image + row.upper + tap.upper;
      for (let i: usize = 0; i < pixel; i += 16) {
        let sum = f32x4.mul(wa, v128.load(a + i));
        sum = f32x4.add(sum, f32x4.mul(wb, v128.load(b + i)));
        sum = f32x4.add(sum, f32x4.mul(wc, v128.load(c + i)));
        sum = f32x4.add(sum, f32x4.mul(wd, v128.load(d + i)));
        if (i + 16 <= pixel) v128.store(y + i, sum);
        else storeFloats(y + i, sum, sum, <i32>(pixel - i) >> 2);
      }
    }
  }
}

/**
 * The way back from f32_resize_bilinear: each element of dy, times its weights, is added to the four of dx that it was made of,
 * in their order and in that of dy
 *
 * dy  [N, outHeight, outWidth, C] f32    read      dx  [N, H, W, C] f32    written
 * Samples first … first + count − 1; dy and dx are the addresses of the whole tensors.
 */
export function f32_resize_bilinear_backward__scalar(
  params: ResizeParams, first: i32, count: i32, dy: usize, dx: usize,
): void {
  dx += first * params.inBytes;
  dy += (first * params.outHeight * params.outWidth * params.channels) << 2;
  memory.fill(dx, 0, count * params.inBytes);
  for (let n = 0; n < count; n++, dx += params.inBytes) {
    for (let r = 0; r < params.outHeight; r++) {
      const row = changetype<Tap>(params.rows + r * TAP_BYTES), f = row.fraction;
      for (let p = 0; p < params.outWidth; p++) {
        const tap = changetype<Tap>(params.columns + p * TAP_BYTES), g = tap.fraction;
        for (let c = 0; c < params.channels << 2; c += 4, dy += 4) {
          const above = load<f32>(dy);
          addTo(dx + row.lower + tap.lower + c, weight(ONE - f, ONE - g) * above);
          addTo(dx + row.lower + tap.upper + c, weight(ONE - f, g) * above);
          addTo(dx + row.upper + tap.lower + c, weight(f, ONE - g) * above);
          addTo(dx + row.upper + tap.upper + c, weight(f, g) * above);
        }
      }
    }
  }
}

function addTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}

export function f32_resize_bilinear_backward__simd128(
  params: ResizeParams, first: i32, count: i32, dy: usize, dx: usize,
): void {
  const pixel = <usize>params.channels << 2, outHeight = params.outHeight;
  const columns: usize = params.columns;
  const end = columns + params.outWidth * TAP_BYTES;
  dx += first * params.inBytes;
  dy += <usize>(first * outHeight * params.outWidth) * pixel;
  memory.fill(dx, 0, count * params.inBytes);
  for (let n = 0; n < count; n++, dx += params.inBytes) {
    for (let r = 0; r < outHeight; r++) {
      const row = changetype<Tap>(params.rows + r * TAP_BYTES), f = row.fraction;
      for (let at = columns; at < end; at += TAP_BYTES, dy += pixel) {
        const tap = changetype<Tap>(at);
        const g = tap.fraction;
        const lower = dx + row.lower, upper = dx + row.upper;
        // One after another: at an edge two of the four are one.
        addPixel(pixel, dy, weight(ONE - f, ONE - g), lower + tap.lower);
        addPixel(pixel, dy, weight(ONE - f, g), lower + tap.upper);
        addPixel(pixel, dy, weight(f, ONE - g), upper + tap.lower);
        addPixel(pixel, dy, weight(f, g), upper + tap.upper);
      }
    }
  }
}

/** y += w · x over the bytes of a pixel */
// @ts-ignore: decorator
@inline
function addPixel(bytes: usize, x: usize, w: f32, y: usize): void {
  const weights = f32x4.splat(w);
  for (let i: usize = 0; i < bytes; i += 16) {
    const sum = f32x4.add(v128.load(y + i), f32x4.mul(weights, v128.load(x + i)));
    if (i + 16 <= bytes) v128.store(y + i, sum);
    else storeFloats(y + i, sum, sum, <i32>(bytes - i) >> 2);
  }
}
