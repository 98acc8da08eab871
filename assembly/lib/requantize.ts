/**
 * The one rounding rule (docs/quantization.md), f32 at each step, ties to even:
 *
 *     u = f32(f32(f32(acc + bias) · M) + B)          q = clamp(rte(u) + zeroPoint, qmin, qmax)
 *
 * SIMD rounds by adding 1.5·2²³: the sum has no fraction bits left, and its bits are 0x4B400000 + rte(u) while
 * |u| < 2²². Clamping u to [qmin − zeroPoint, qmax − zeroPoint] first gives the same q (both ends are integers) and
 * keeps u in that range; params.magic says that this is needless. B is never merged into the magic constant: that would
 * round once where the rule rounds twice.
 */

/** 1.5 · 2²³ and its bits. */
// @ts-ignore: decorator
@inline export const MAGIC: f32 = 12582912.0;
// @ts-ignore: decorator
@inline export const MAGIC_BITS: i32 = 0x4b400000;

/**
 * Lane constants of the output stage. They live in memory because V8 rebuilds literal splats at each use, and
 * because fifteen registers are too few to keep them through a tile.
 *
 *     qmin − zeroPoint f32x4 | qmax − zeroPoint f32x4 | MAGIC f32x4 | MAGIC_BITS − zeroPoint i32x4
 *     qmin i8x16 | qmax i8x16
 */
// @ts-ignore: decorator
@inline export const ROUNDING_LANES_BYTES: usize = 96;

export function writeRoundingLanes(at: usize, zeroPoint: i32, qmin: i32, qmax: i32): void {
  v128.store(at, f32x4.splat(<f32>(qmin - zeroPoint)), 0);
  v128.store(at, f32x4.splat(<f32>(qmax - zeroPoint)), 16);
  v128.store(at, f32x4.splat(MAGIC), 32);
  v128.store(at, i32x4.splat(MAGIC_BITS - zeroPoint), 48);
  v128.store(at, i8x16.splat(<i8>qmin), 64);
  v128.store(at, i8x16.splat(<i8>qmax), 80);
}

/** u of four accumulators that already hold their bias. */
// @ts-ignore: decorator
@inline
export function scaleLanes(acc: v128, multiplier: v128, addend: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), multiplier), addend);
}

/** q of four u, as i32. pmin and pmax are one instruction each on x64, min and max are eight. */
// @ts-ignore: decorator
@inline
export function roundLanes(u: v128, lo: v128, hi: v128, magic: v128, magicBits: v128): v128 {
  const clamped = f32x4.pmin(hi, f32x4.pmax(lo, u));
  return i32x4.sub(f32x4.add(clamped, magic), magicBits);
}

/** u brought to where the magic constant is exact; needless where params.magic promises |u| < 2²². */
// @ts-ignore: decorator
@inline
export function clampLanes(u: v128, lanes: usize): v128 {
  return f32x4.pmin(v128.load(lanes, 16), f32x4.pmax(v128.load(lanes), u));
}

/** rte(u) + zeroPoint of eight u, |u| < 2²², as i16 that saturate. */
// @ts-ignore: decorator
@inline
export function roundToShorts(u0: v128, u1: v128, lanes: usize): v128 {
  const magic = v128.load(lanes, 32), bits = v128.load(lanes, 48);
  return i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(u0, magic), bits), i32x4.sub(f32x4.add(u1, magic), bits),
  );
}

/** Sixteen q from twice eight i16. */
// @ts-ignore: decorator
@inline
export function clampToBytes(q0: v128, q1: v128, lanes: usize): v128 {
  const bytes = i8x16.narrow_i16x8_s(q0, q1);
  return i8x16.min_s(i8x16.max_s(bytes, v128.load(lanes, 64)), v128.load(lanes, 80));
}

/** Sixteen q of four u in order, |u| < 2²²: narrowing saturates, so that bytes clamp. */
// @ts-ignore: decorator
@inline
export function roundSixteen(
  u0: v128, u1: v128, u2: v128, u3: v128, magic: v128, magicBits: v128, lo: v128, hi: v128,
): v128 {
  const low = i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(u0, magic), magicBits), i32x4.sub(f32x4.add(u1, magic), magicBits),
  );
  const high = i16x8.narrow_i32x4_s(
    i32x4.sub(f32x4.add(u2, magic), magicBits), i32x4.sub(f32x4.add(u3, magic), magicBits),
  );
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(low, high), lo), hi);
}

/** u, one value. */
// @ts-ignore: decorator
@inline
export function scaleAcc(acc: i32, bias: i32, multiplier: f32, addend: f32): f32 {
  return <f32>(acc + bias) * multiplier + addend;
}

/** q of one u, without the magic constant: the plain twin. */
// @ts-ignore: decorator
@inline
export function roundToRange(u: f32, zeroPoint: i32, qmin: i32, qmax: i32): i32 {
  const clamped = max(<f32>(qmin - zeroPoint), min(<f32>(qmax - zeroPoint), u));
  return <i32>nearest(clamped) + zeroPoint;
}

/**
 * `value`, in a form that no compiler folds to a constant (NaN and −0 forbid it), so that V8 keeps its splat in a
 * register instead of rebuilding it at each turn of a loop. `seed` is any finite run-time value.
 */
// @ts-ignore: decorator
@inline
export function opaque(value: f32, seed: i32): f32 {
  return <f32>seed * 0 + value;
}
