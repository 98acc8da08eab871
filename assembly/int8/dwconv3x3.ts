import { zipHigh, zipLow } from './dwconvSums';

/**
 * The sums of n outputs of a 3x3 kernel, eight channels, stride 1. Walks along the input row: each column is
 * interleaved once, (r0, r1) and (r2, r2), and added to every output that it belongs to: column t ends output t − 2,
 * continues t − 1, begins t.
 *
 * p0, p1, p2   the tap of column 0 in each row; `step` bytes lie between columns
 * w            [3 columns] | rows 0 and 1 of channels 0–3, 4–7 | row 2 of channels 0–3, 4–7 |   i16 pairs, 64 bytes
 * epilogue     starts with the bias, i32[8]
 * sums         i32 [n][8], written
 * first, last  whether the first and the last column are inside the image; outside they read zeroPoint
 *
 * V8 moves the loads of a block above its arithmetic, and twelve weights do not fit in its registers. The sums are
 * therefore stored as they grow: a store makes the arithmetic before it happen before the loads after it.
 */
export function sums3x3(
  p0: usize, p1: usize, p2: usize, step0: usize, step1: usize, step2: usize, w: usize,
  epilogue: usize, sums: usize, n: i32, first: bool, last: bool, zeroPoint: i32,
): void {
  let r0 = i16x8.splat(<i16>zeroPoint), r1 = r0, r2 = r0;
  if (first) {
    r0 = v128.load_ext<i8>(p0);
    r1 = v128.load_ext<i8>(p1);
    r2 = v128.load_ext<i8>(p2);
  }
  let low = beginLow(epilogue, zipLow(r0, r1), zipLow(r2, r2), w);
  let high = beginHigh(epilogue, zipHigh(r0, r1), zipHigh(r2, r2), w);
  r0 = v128.load_ext<i8>(p0 += step0);
  r1 = v128.load_ext<i8>(p1 += step1);
  r2 = v128.load_ext<i8>(p2 += step2);
  proceedLow(sums, low, zipLow(r0, r1), zipLow(r2, r2), w);
  proceedHigh(sums, high, zipHigh(r0, r1), zipHigh(r2, r2), w);
  // The last output is ended below: its last column may lie outside.
  const end = sums + ((n - 1) << 5);
  low = beginLow(epilogue, zipLow(r0, r1), zipLow(r2, r2), w);
  high = beginHigh(epilogue, zipHigh(r0, r1), zipHigh(r2, r2), w);
  if (sums < end) {
    do {
      r0 = v128.load_ext<i8>(p0 += step0);
      r1 = v128.load_ext<i8>(p1 += step1);
      r2 = v128.load_ext<i8>(p2 += step2);
      const low01 = zipLow(r0, r1), low22 = zipLow(r2, r2);
      const high01 = zipHigh(r0, r1), high22 = zipHigh(r2, r2);
      endLow(sums, low01, low22, w);
      endHigh(sums, high01, high22, w);
      sums += 32;
      proceedLow(sums, low, low01, low22, w);
      proceedHigh(sums, high, high01, high22, w);
      low = beginLow(epilogue, low01, low22, w);
      high = beginHigh(epilogue, high01, high22, w);
    } while (sums < end);
  }
  r0 = i16x8.splat(<i16>zeroPoint);
  r1 = r0;
  r2 = r0;
  if (last) {
    r0 = v128.load_ext<i8>(p0 + step0);
    r1 = v128.load_ext<i8>(p1 + step1);
    r2 = v128.load_ext<i8>(p2 + step2);
  }
  endLow(sums, zipLow(r0, r1), zipLow(r2, r2), w);
  endHigh(sums, zipHigh(r0, r1), zipHigh(r2, r2), w);
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
  const bottomLow = v128.or(v128.load(w, 32), i32x4.shl(v128.load(w, 96), 16));
  const bottomHigh = v128.or(v128.load(w, 48), i32x4.shl(v128.load(w, 112), 16));
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
    let low = startLow(epilogue, zipLow(r0, r1), zipLow(s0, s1), zipLow(r2, s2), bottomLow, w);
    v128.store(sums, low);
    let high = startHigh(epilogue, zipHigh(r0, r1), zipHigh(s0, s1), zipHigh(r2, s2), bottomHigh, w);
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
        low = startLow(epilogue, low01, zipLow(s0, s1), low22, bottomLow, w);
        v128.store(sums, low);
        high = startHigh(epilogue, high01, zipHigh(s0, s1), high22, bottomHigh, w);
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

// Offsets of loads must be literals in AssemblyScript, hence a function for each column and half.

/** bias + column 0 */
// @ts-ignore: decorator
@inline
function beginLow(epilogue: usize, top: v128, bottom: v128, w: usize): v128 {
  return addColumn(v128.load(epilogue), top, bottom, v128.load(w), v128.load(w, 32));
}

// @ts-ignore: decorator
@inline
function beginHigh(epilogue: usize, top: v128, bottom: v128, w: usize): v128 {
  return addColumn(v128.load(epilogue, 16), top, bottom, v128.load(w, 16), v128.load(w, 48));
}

/** sums = acc + column 1 */
// @ts-ignore: decorator
@inline
function proceedLow(sums: usize, acc: v128, top: v128, bottom: v128, w: usize): void {
  v128.store(sums, addColumn(acc, top, bottom, v128.load(w, 64), v128.load(w, 96)));
}

// @ts-ignore: decorator
@inline
function proceedHigh(sums: usize, acc: v128, top: v128, bottom: v128, w: usize): void {
  v128.store(sums, addColumn(acc, top, bottom, v128.load(w, 80), v128.load(w, 112)), 16);
}

/** sums += column 2 */
// @ts-ignore: decorator
@inline
function endLow(sums: usize, top: v128, bottom: v128, w: usize): void {
  const acc = v128.load(sums);
  v128.store(sums, addColumn(acc, top, bottom, v128.load(w, 128), v128.load(w, 160)));
}

// @ts-ignore: decorator
@inline
function endHigh(sums: usize, top: v128, bottom: v128, w: usize): void {
  const acc = v128.load(sums, 16);
  v128.store(sums, addColumn(acc, top, bottom, v128.load(w, 144), v128.load(w, 176)), 16);
}

/** acc + one column of taps, for four channels. */
// @ts-ignore: decorator
@inline
function addColumn(acc: v128, top: v128, bottom: v128, wTop: v128, wBottom: v128): v128 {
  acc = i32x4.add(acc, i32x4.dot_i16x8_s(top, wTop));
  return i32x4.add(acc, i32x4.dot_i16x8_s(bottom, wBottom));
}
