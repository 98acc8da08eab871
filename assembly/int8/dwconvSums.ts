import { ConvParams } from '../abi';
import { storeBytes, storeFloats } from '../lib/lanes';
import { clampLanes, clampToBytes, roundToShorts, scaleLanes } from '../lib/requantize';

/** Output pixels whose sums of eight channels, i32 [STRIP][8], wait at SUMS_AT for requantization. */
// @ts-ignore: decorator
@inline export const STRIP: i32 = 64;
// @ts-ignore: decorator
@inline export const SUMS_AT: usize = 96;

/** Epilogue of eight channels:   bias − z·Σw i32[8] | multiplier f32[8] | addend f32[8] */
// @ts-ignore: decorator
@inline export const EPILOGUE_BYTES: usize = 96;

/**
 * The n ≥ 1 finished sums at SUMS_AT to y: rounded to i8, or as f32. Writes min(8, count) channels a pixel.
 *
 * Requantizing a strip at a time instead of each sum where it ends keeps the constants in registers here and the
 * weights' loads few there (measured on Ice Lake: a fifth less time).
 */
// @ts-ignore: decorator
@inline
export function emitSums(
  params: ConvParams, scratch: usize, n: i32, epilogue: usize, y: usize, yStride: usize,
  count: i32, real: bool,
): void {
  const m0 = v128.load(epilogue, 32), m1 = v128.load(epilogue, 48);
  const b0 = v128.load(epilogue, 64), b1 = v128.load(epilogue, 80);
  let sums = scratch + SUMS_AT;
  const end = sums + (n << 5);
  if (real) {
    do {
      const low = scaleLanes(v128.load(sums), m0, b0);
      const high = scaleLanes(v128.load(sums, 16), m1, b1);
      storeFloats(y, low, high, min(8, count));
      y += yStride;
      sums += 32;
    } while (sums < end);
    return;
  }
  const magic = params.magic;
  if (magic && count >= 8 && n > 1) {
    // Two pixels a turn, constants in registers: V8 does not move loads out of a loop that stores.
    const pairs = end - 32;
    const big = v128.load(scratch, 32), bits = v128.load(scratch, 48);
    const least = v128.load(scratch, 64), most = v128.load(scratch, 80);
    do {
      const a = roundPair(v128.load(sums), v128.load(sums, 16), m0, m1, b0, b1, big, bits);
      const b = roundPair(v128.load(sums, 32), v128.load(sums, 48), m0, m1, b0, b1, big, bits);
      const bytes = i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(a, b), least), most);
      v128.store64_lane(y, bytes, 0);
      v128.store64_lane(y + yStride, bytes, 1);
      y += yStride << 1;
      sums += 64;
    } while (sums < pairs);
    if (sums == end) return;
  }
  do {
    let low = scaleLanes(v128.load(sums), m0, b0);
    let high = scaleLanes(v128.load(sums, 16), m1, b1);
    if (!magic) {
      low = clampLanes(low, scratch);
      high = clampLanes(high, scratch);
    }
    const wide = roundToShorts(low, high, scratch);
    const bytes = clampToBytes(wide, wide, scratch);
    if (count >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, bytes, count);
    y += yStride;
    sums += 32;
  } while (sums < end);
}

// @ts-ignore: decorator
@inline
function roundPair(
  low: v128, high: v128, m0: v128, m1: v128, b0: v128, b1: v128, magic: v128, bits: v128,
): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(scaleLanes(low, m0, b0), magic), bits),
    i32x4.sub(f32x4.add(scaleLanes(high, m1, b1), magic), bits),
  );
}

// @ts-ignore: decorator
@inline
export function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
export function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
