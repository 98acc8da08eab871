/**
 * Bytes to f32 without a conversion: a byte below 2²³ in the bits of an f32 is 2²³ + byte, and subtracting 2²³ and the
 * zero point is exact. Interleaving costs less than sign extension, which shuffles as well and converts on top.
 */
import { opaque } from './requantize';

/** 2²³, whose bits are 0x4B000000. */
// @ts-ignore: decorator
@inline export const EXPONENT: f32 = 8388608.0;

/** What turns i8 into the byte x + 128. */
// @ts-ignore: decorator
@inline
export function flipBytes(seed: i32): v128 {
  return i8x16.splat(<i8>opaque(-128.0, seed));
}

/** The upper halves of the bits of 2²³. */
// @ts-ignore: decorator
@inline
export function exponentWords(seed: i32): v128 {
  return i16x8.splat(<i16>(reinterpret<i32>(opaque(EXPONENT, seed)) >> 16));
}

// @ts-ignore: decorator
@inline
export function lowWords(bytes: v128): v128 {
  return v128.shuffle<i8>(
    bytes, i8x16.splat(0), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
}

// @ts-ignore: decorator
@inline
export function highWords(bytes: v128): v128 {
  return v128.shuffle<i8>(
    bytes, i8x16.splat(0), 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
  );
}

/** word − (zero − 2²³) as f32, words 0 to 3 */
// @ts-ignore: decorator
@inline
export function realsLow(words: v128, exponent: v128, zero: v128): v128 {
  return f32x4.sub(v128.shuffle<i16>(words, exponent, 0, 8, 1, 9, 2, 10, 3, 11), zero);
}

/** words 4 to 7 */
// @ts-ignore: decorator
@inline
export function realsHigh(words: v128, exponent: v128, zero: v128): v128 {
  return f32x4.sub(v128.shuffle<i16>(words, exponent, 4, 12, 5, 13, 6, 14, 7, 15), zero);
}
