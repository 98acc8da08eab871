import { zipHigh, zipLow } from './dwconvSums';

/**
 * The sums of n outputs of a 3x3 kernel, eight channels, stride 1. Walks along the input row: the rows (r0, r1) of each
 * column are interleaved once, and r2 with its left neighbour:
 *
 *     output t = bias + (r0, r1)[t] · w0 + (r0, r1)[t + 1] · w1 + (r0, r1)[t + 2] · w2
 *                     + (r2[t], r2[t + 1]) · (w20, w21) + (r2[t + 1], r2[t + 2]) · (0, w22)
 *
 * so column t ends output t − 2, continues t − 1 and begins t.
 *
 * p0, p1, p2   the tap of column 0 in each row; `step` bytes lie between columns
 * w            [3 columns] | rows 0 and 1 of channels 0–3, 4–7 | row 2 of channels 0–3, 4–7 |   i16 pairs, 64 bytes
 * epilogue     starts with the bias, i32[8]
 * sums         i32 [n][8], written
 * first, last  whether the first and the last column are inside the image; outside they read zeroPoint
 *
 * V8 moves the loads of a block above its arithmetic, and ten weights do not fit in its registers. The sums are
 * therefore stored as they grow: a store makes the arithmetic before it happen before the loads after it.
 */
export function sums3x3(
  p0: usize, p1: usize, p2: usize, step0: usize, step1: usize, step2: usize, w: usize,
  epilogue: usize, sums: usize, n: i32, first: bool, last: bool, zeroPoint: i32,
): void {
  const pairLow = bottomLow(w), pairHigh = bottomHigh(w);
  const lastLow = i32x4.shl(v128.load(w, 160), 16), lastHigh = i32x4.shl(v128.load(w, 176), 16);
  const zero = i16x8.splat(<i16>zeroPoint);
  let r0 = zero, r1 = zero, left = zero;
  if (first) {
    r0 = v128.load_ext<i8>(p0);
    r1 = v128.load_ext<i8>(p1);
    left = v128.load_ext<i8>(p2);
  }
  let low = beginLow(epilogue, zipLow(r0, r1), w), high = beginHigh(epilogue, zipHigh(r0, r1), w);
  r0 = v128.load_ext<i8>(p0 += step0);
  r1 = v128.load_ext<i8>(p1 += step1);
  let r2 = v128.load_ext<i8>(p2 += step2);
  v128.store(sums, addColumn(low, zipLow(r0, r1), zipLow(left, r2), v128.load(w, 64), pairLow));
  v128.store(sums, addColumn(high, zipHigh(r0, r1), zipHigh(left, r2), v128.load(w, 80), pairHigh), 16);
  // The last output is ended below: its last column may lie outside.
  const end = sums + ((n - 1) << 5);
  low = beginLow(epilogue, zipLow(r0, r1), w);
  high = beginHigh(epilogue, zipHigh(r0, r1), w);
  left = r2;
  if (sums < end) {
    do {
      r0 = v128.load_ext<i8>(p0 += step0);
      r1 = v128.load_ext<i8>(p1 += step1);
      r2 = v128.load_ext<i8>(p2 += step2);
      const low01 = zipLow(r0, r1), low22 = zipLow(left, r2);
      const high01 = zipHigh(r0, r1), high22 = zipHigh(left, r2);
      left = r2;
      endLow(sums, low01, low22, w, lastLow);
      endHigh(sums, high01, high22, w, lastHigh);
      sums += 32;
      v128.store(sums, addColumn(low, low01, low22, v128.load(w, 64), pairLow));
      v128.store(sums, addColumn(high, high01, high22, v128.load(w, 80), pairHigh), 16);
      low = beginLow(epilogue, low01, w);
      high = beginHigh(epilogue, high01, w);
    } while (sums < end);
  }
  r0 = zero;
  r1 = zero;
  r2 = zero;
  if (last) {
    r0 = v128.load_ext<i8>(p0 + step0);
    r1 = v128.load_ext<i8>(p1 + step1);
    r2 = v128.load_ext<i8>(p2 + step2);
  }
  endLow(sums, zipLow(r0, r1), zipLow(left, r2), w, lastLow);
  endHigh(sums, zipHigh(r0, r1), zipHigh(left, r2), w, lastHigh);
}

/**
 * The sums of `rows` rows of n outputs, stride 2. A third row pairs its even column with its odd one:
 *
 *     output t = bias + (r0, r1)[2t] · w0 + (r0, r1)[2t + 1] · w1 + (r0, r1)[2t + 2] · w2
 *                     + (r2[2t], r2[2t + 1]) · (w20, w21) + (r2[2t + 2], …) · (w22, 0)
 *
 * at           three input rows of the first output row, as listRows writes them; nextRow bytes to those of the next
 * zero         zero points of these channels: what the first and the last column read outside the image
 */
export function sums3x3Stride2(
  at: usize, c: usize, zero: usize, w: usize, epilogue: usize, sums: usize, n: i32, rows: i32,
  nextRow: usize, first: bool, last: bool,
): void {
  const pairLow = bottomLow(w), pairHigh = bottomHigh(w);
  const row: usize = n << 5;
  do {
    let p0 = load<usize>(at) + c, p1 = load<usize>(at, 8) + c, p2 = load<usize>(at, 16) + c;
    const step0 = load<usize>(at, 4), step1 = load<usize>(at, 12), step2 = load<usize>(at, 20);
    let r0 = v128.load_ext<i8>(first ? p0 : zero);
    let r1 = v128.load_ext<i8>(first ? p1 : zero);
    let r2 = v128.load_ext<i8>(first ? p2 : zero);
    let s0 = v128.load_ext<i8>(p0 += step0);
    let s1 = v128.load_ext<i8>(p1 += step1);
    let s2 = v128.load_ext<i8>(p2 += step2);
    let low = startLow(epilogue, zipLow(r0, r1), zipLow(s0, s1), zipLow(r2, s2), pairLow, w);
    v128.store(sums, low);
    let high = startHigh(epilogue, zipHigh(r0, r1), zipHigh(s0, s1), zipHigh(r2, s2), pairHigh, w);
    const end = sums + row;
    sums += 32;
    if (sums < end) {
      do {
        r0 = v128.load_ext<i8>(p0 += step0);
        r1 = v128.load_ext<i8>(p1 += step1);
        r2 = v128.load_ext<i8>(p2 += step2);
        s0 = v128.load_ext<i8>(p0 += step0);
        s1 = v128.load_ext<i8>(p1 += step1);
        s2 = v128.load_ext<i8>(p2 += step2);
        const low01 = zipLow(r0, r1), low22 = zipLow(r2, s2);
        const high01 = zipHigh(r0, r1), high22 = zipHigh(r2, s2);
        v128.store(sums - 32, addColumn(low, low01, low22, v128.load(w, 128), v128.load(w, 160)));
        v128.store(sums - 32, addColumn(high, high01, high22, v128.load(w, 144), v128.load(w, 176)), 16);
        low = startLow(epilogue, low01, zipLow(s0, s1), low22, pairLow, w);
        v128.store(sums, low);
        high = startHigh(epilogue, high01, zipHigh(s0, s1), high22, pairHigh, w);
        sums += 32;
      } while (sums < end);
    }
    r0 = v128.load_ext<i8>(last ? p0 + step0 : zero);
    r1 = v128.load_ext<i8>(last ? p1 + step1 : zero);
    r2 = v128.load_ext<i8>(last ? p2 + step2 : zero);
    low = addColumn(low, zipLow(r0, r1), zipLow(r2, r2), v128.load(w, 128), v128.load(w, 160));
    v128.store(sums - 32, low);
    high = addColumn(high, zipHigh(r0, r1), zipHigh(r2, r2), v128.load(w, 144), v128.load(w, 176));
    v128.store(sums - 32, high, 16);
    at += nextRow;
  } while (--rows);
}

/** bias + columns 0 and 1 */
// @ts-ignore: decorator
@inline
function startLow(epilogue: usize, even: v128, odd: v128, pair: v128, bottom: v128, w: usize): v128 {
  const acc = addColumn(v128.load(epilogue), even, odd, v128.load(w), v128.load(w, 64));
  return i32x4.add(acc, i32x4.dot_i16x8_s(pair, bottom));
}

// @ts-ignore: decorator
@inline
function startHigh(epilogue: usize, even: v128, odd: v128, pair: v128, bottom: v128, w: usize): v128 {
  const acc = addColumn(v128.load(epilogue, 16), even, odd, v128.load(w, 16), v128.load(w, 80));
  return i32x4.add(acc, i32x4.dot_i16x8_s(pair, bottom));
}

// Offsets of loads must be literals in AssemblyScript, hence a function for each half.

/** (w20, w21) */
// @ts-ignore: decorator
@inline
function bottomLow(w: usize): v128 {
  return v128.or(v128.load(w, 32), i32x4.shl(v128.load(w, 96), 16));
}

// @ts-ignore: decorator
@inline
function bottomHigh(w: usize): v128 {
  return v128.or(v128.load(w, 48), i32x4.shl(v128.load(w, 112), 16));
}

/** bias + (r0, r1) of column 0 */
// @ts-ignore: decorator
@inline
function beginLow(epilogue: usize, top: v128, w: usize): v128 {
  return i32x4.add(v128.load(epilogue), i32x4.dot_i16x8_s(top, v128.load(w)));
}

// @ts-ignore: decorator
@inline
function beginHigh(epilogue: usize, top: v128, w: usize): v128 {
  return i32x4.add(v128.load(epilogue, 16), i32x4.dot_i16x8_s(top, v128.load(w, 16)));
}

/** sums += column 2 */
// @ts-ignore: decorator
@inline
function endLow(sums: usize, top: v128, bottom: v128, w: usize, last: v128): void {
  v128.store(sums, addColumn(v128.load(sums), top, bottom, v128.load(w, 128), last));
}

// @ts-ignore: decorator
@inline
function endHigh(sums: usize, top: v128, bottom: v128, w: usize, last: v128): void {
  v128.store(sums, addColumn(v128.load(sums, 16), top, bottom, v128.load(w, 144), last), 16);
}

/** acc + two pairs of taps, for four channels. */
// @ts-ignore: decorator
@inline
function addColumn(acc: v128, top: v128, bottom: v128, wTop: v128, wBottom: v128): v128 {
  acc = i32x4.add(acc, i32x4.dot_i16x8_s(top, wTop));
  return i32x4.add(acc, i32x4.dot_i16x8_s(bottom, wBottom));
}
