/**
 * Minimal filtering (Winograd 1980) of windows of three with stride 2: two outputs from a line of five inputs with five
 * products where the sums take six, and a tile of 2x2 outputs from a patch of 5x5 with 25 where they take 36.
 *
 *     p = [d0 − d2, d2, d4 − d2, d1, d3]      u = [w0, w0 + w2, w2, w1, w1]
 *     M0 = p0·u0 + p3·u3      M1 = p1·u1      M2 = p2·u2 + p4·u4
 *     y0 = M0 + M1            y1 = M1 + M2
 *
 * Products of a line that meet in one accumulator M are one sum over twice the channels. So a tile has 3x3 accumulators,
 * (a, b) of line a down and b across, each a matrix product over the blocks of channels that it takes:
 *
 *     blocks of a line:    M0: 0, 3    M1: 1    M2: 2, 4
 *     blocks of a tile:    (a, b) takes the pairs (i, j), i of a and j of b: 4 2 4, 2 1 2, 4 2 4, which are 25
 *
 * They are numbered by accumulator, then i, then j. Channels come in multiples of eight. All is for T = v128, four channels at
 * a time, or f32.
 */

/** Outputs, inputs and accumulators of a line; inputs from one tile to the next. */
// @ts-ignore: decorator
@inline export const TILE: i32 = 2;
// @ts-ignore: decorator
@inline export const PATCH: i32 = 5;
// @ts-ignore: decorator
@inline export const SUMS: i32 = 3;
// @ts-ignore: decorator
@inline export const STEP: i32 = 4;
/** Of a tile. */
// @ts-ignore: decorator
@inline export const ACCUMULATORS: i32 = 9;
// @ts-ignore: decorator
@inline export const BLOCKS: i32 = 25;

/** Blocks of accumulator `a` of a line. */
// @ts-ignore: decorator
@inline
function lineBlocks(a: i32): i32 {
  return a == 1 ? 1 : 2;
}

/** Those of the accumulators before it. */
// @ts-ignore: decorator
@inline
function lineStart(a: i32): i32 {
  return a > 0 ? a + 1 : 0;
}

/** Blocks of accumulator q = 3a + b of a tile. */
// @ts-ignore: decorator
@inline
export function blocksOf(q: i32): i32 {
  return lineBlocks(q / SUMS) * lineBlocks(q % SUMS);
}

/** The first of them. */
// @ts-ignore: decorator
@inline
export function firstBlockOf(q: i32): i32 {
  const a = q / SUMS;
  return PATCH * lineStart(a) + lineBlocks(a) * lineStart(q % SUMS);
}

/** The accumulator that product i of a line goes to. */
// @ts-ignore: decorator
@inline
function lineAccumulator(i: i32): i32 {
  return i < SUMS ? i : (i - SUMS) << 1;
}

/** That of product (i, j) of a tile. */
// @ts-ignore: decorator
@inline
export function accumulatorOf(i: i32, j: i32): i32 {
  return SUMS * lineAccumulator(i) + lineAccumulator(j);
}

/** Which of the blocks of its accumulator it is. */
// @ts-ignore: decorator
@inline
export function rankOf(i: i32, j: i32): i32 {
  const across = lineBlocks(lineAccumulator(j));
  return (i < SUMS ? 0 : across) + (j < SUMS ? 0 : 1);
}

/** to = p of a line of inputs. `…Step` are bytes between elements. */
// @ts-ignore: decorator
@inline
export function inputLine<T>(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const d0 = load<T>(from), d1 = load<T>(from + fromStep), d2 = load<T>(from + 2 * fromStep);
  const d3 = load<T>(from + 3 * fromStep), d4 = load<T>(from + 4 * fromStep);
  store<T>(to, sub<T>(d0, d2));
  store<T>(to + toStep, d2);
  store<T>(to + 2 * toStep, sub<T>(d4, d2));
  store<T>(to + 3 * toStep, d1);
  store<T>(to + 4 * toStep, d3);
}

/** to = the gradients of a line's accumulators from those of its outputs: y0, y0 + y1, y1. */
// @ts-ignore: decorator
@inline
export function outputGradientLine<T>(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const y0 = load<T>(from), y1 = load<T>(from + fromStep);
  store<T>(to, y0);
  store<T>(to + toStep, add<T>(y0, y1));
  store<T>(to + 2 * toStep, y1);
}

// @ts-ignore: decorator
@inline
export function add<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.add(a, b);
  // @ts-ignore: T is f32
  return a + b;
}

// @ts-ignore: decorator
@inline
export function sub<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.sub(a, b);
  // @ts-ignore: T is f32
  return a - b;
}
