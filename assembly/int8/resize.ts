import { ResizeParams } from '../abi';
import { storeBytes } from '../lib/lanes';

/** Weights have 11 fractional bits, so that the product of two has 22. */
// @ts-ignore: decorator
@inline const ONE: i32 = 2048;
// @ts-ignore: decorator
@inline const HALF: i32 = 1 << 21;

/** Two neighbours along one axis: their offsets in bytes and the weight of the second, in 1/2048. */
@unmanaged
class Tap {
  lower: i32;
  upper: i32;
  fraction: i32;
}

// @ts-ignore: decorator
@inline const TAP_BYTES: i32 = 12;

/**
 * With f, g the fractions of row r and column p, a and b the neighbours in the lower row, c and d those in the upper:
 *
 *     v = (a·(2048 − g) + b·g)·(2048 − f) + (c·(2048 − g) + d·g)·f
 *     y[r, p] = ⌊v / 2²² + ½⌋
 *
 * x  [N, H, W, C] i8     y  [N, outHeight, outWidth, C] i8     fractions in [0, 2048]
 * Rows first … first + count − 1 of the N · outHeight rows of y; x and y are the addresses of the whole tensors.
 * Reads 7 bytes past x, writes C bytes a pixel. |v| is at most 2²⁹, and y is between the least and the largest neighbour.
 */
export function qs8_resize_bilinear__simd128(
  params: ResizeParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const channels = params.channels, outHeight = params.outHeight;
  const columns: usize = params.columns;
  const end = columns + params.outWidth * TAP_BYTES;
  y += first * params.outWidth * channels;
  for (let r = first; r < first + count; r++) {
    const n = r / outHeight;
    const row = changetype<Tap>(params.rows + (r - n * outHeight) * TAP_BYTES);
    const image = x + n * params.inBytes;
    const lower = image + row.lower, upper = image + row.upper;
    const f = i32x4.splat(row.fraction), f1 = i32x4.splat(ONE - row.fraction);
    for (let at = columns; at < end; at += TAP_BYTES) {
      const tap = changetype<Tap>(at);
      const pair = i32x4.splat((tap.fraction << 16) | (ONE - tap.fraction));
      let left: usize = tap.lower, right: usize = tap.upper;
      for (let channel = 0; channel < channels; channel += 8) {
        const a = v128.load_ext<i8>(lower + left), b = v128.load_ext<i8>(lower + right);
        const c = v128.load_ext<i8>(upper + left), d = v128.load_ext<i8>(upper + right);
        const low = i32x4.add(
          i32x4.mul(i32x4.dot_i16x8_s(pairLow(a, b), pair), f1),
          i32x4.mul(i32x4.dot_i16x8_s(pairLow(c, d), pair), f),
        );
        const high = i32x4.add(
          i32x4.mul(i32x4.dot_i16x8_s(pairHigh(a, b), pair), f1),
          i32x4.mul(i32x4.dot_i16x8_s(pairHigh(c, d), pair), f),
        );
        const shorts = i16x8.narrow_i32x4_s(rounded(low), rounded(high));
        const bytes = i8x16.narrow_i16x8_s(shorts, shorts);
        if (channels - channel >= 8) v128.store64_lane(y + channel, bytes, 0);
        else storeBytes(y + channel, bytes, channels - channel);
        left += 8;
        right += 8;
      }
      y += channels;
    }
  }
}

// @ts-ignore: decorator
@inline
function pairLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function pairHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function rounded(v: v128): v128 {
  return i32x4.shr_s(i32x4.add(v, i32x4.splat(HALF)), 22);
}

export function qs8_resize_bilinear__scalar(
  params: ResizeParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const channels = params.channels;
  y += first * params.outWidth * channels;
  for (let r = first; r < first + count; r++) {
    const row = changetype<Tap>(params.rows + (r % params.outHeight) * TAP_BYTES);
    const image = x + (r / params.outHeight) * params.inBytes;
    for (let p = 0; p < params.outWidth; p++) {
      const column = changetype<Tap>(params.columns + p * TAP_BYTES);
      for (let c = 0; c < channels; c++) {
        const lower = between(image + row.lower + c, column);
        const upper = between(image + row.upper + c, column);
        const v = lower * (ONE - row.fraction) + upper * row.fraction;
        store<i8>(y++, (v + HALF) >> 22);
      }
    }
  }
}

function between(x: usize, column: Tap): i32 {
  const left = <i32>load<i8>(x + column.lower), right = <i32>load<i8>(x + column.upper);
  return left * (ONE - column.fraction) + right * column.fraction;
}
