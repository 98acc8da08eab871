/**
 * Sigmoid and tanh of integer gates from one table, f32 [1024], entry i for (i − 512) / 64 (quantization.md eq. (30)):
 *
 *     sigmoid(p / 64) = table[clamp(rte(p), −512, 511) + 512]      tanh(p / 128) = f32(2 · sigmoid(p / 64) − 1)
 */
import { MAGIC, MAGIC_BITS, roundLanes, roundToRange } from './requantize';

/** The entry of a real 0, and the last one. */
// @ts-ignore: decorator
@inline const CENTER: i32 = 512;
// @ts-ignore: decorator
@inline const LAST: i32 = 1023;

/** What makes of a cell state the p of its tanh, and of an output its int8 copy. */
// @ts-ignore: decorator
@inline export const STATE_SCALE: f32 = 128.0;

// @ts-ignore: decorator
@inline
export function sigmoidEntry(table: usize, p: f32): f32 {
  return load<f32>(table + (<usize>roundToRange(p, CENTER, 0, LAST) << 2));
}

// @ts-ignore: decorator
@inline
export function tanhEntry(table: usize, p: f32): f32 {
  return sigmoidEntry(table, p) * 2 - 1;
}

/** clamp(rte(128 · h), −128, 127) */
// @ts-ignore: decorator
@inline
export function hiddenByte(h: f32): i32 {
  return roundToRange(h * STATE_SCALE, 0, -128, 127);
}

// A call: inlined, a gate kernel would have five of them.
function fourEntries(table: usize, p: v128): v128 {
  const index = roundLanes(
    p, f32x4.splat(<f32>-CENTER), f32x4.splat(<f32>(LAST - CENTER)), f32x4.splat(MAGIC),
    i32x4.splat(MAGIC_BITS - CENTER),
  );
  const e = v128.load32_zero(table + (<usize>i32x4.extract_lane(index, 0) << 2));
  const e1 = v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(index, 1) << 2), e, 1);
  const e2 = v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(index, 2) << 2), e1, 2);
  return v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(index, 3) << 2), e2, 3);
}

/** `sigmoidEntry` of four lanes. */
// @ts-ignore: decorator
@inline
export function sigmoidEntries(table: usize, p: v128): v128 {
  return fourEntries(table, p);
}

/** `tanhEntry` of four lanes. */
// @ts-ignore: decorator
@inline
export function tanhEntries(table: usize, p: v128): v128 {
  return f32x4.sub(f32x4.mul(fourEntries(table, p), f32x4.splat(2)), f32x4.splat(1));
}

/** `hiddenByte` of four lanes, in the low four bytes. */
// @ts-ignore: decorator
@inline
export function hiddenBytes(h: v128): v128 {
  const q = roundLanes(
    f32x4.mul(h, f32x4.splat(STATE_SCALE)), f32x4.splat(-128), f32x4.splat(127), f32x4.splat(MAGIC),
    i32x4.splat(MAGIC_BITS),
  );
  const shorts = i16x8.narrow_i32x4_s(q, q);
  return i8x16.narrow_i16x8_s(shorts, shorts);
}
