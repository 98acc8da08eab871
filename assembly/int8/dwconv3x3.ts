import { zipHigh, zipLow } from './dwconvSums';

/**
 * The sums of n outputs of a 3x3 kernel, eight channels, stride 1 or 2. Walks along the input row: each column is
 * interleaved once, (r0, r1) and (r2, r2), and added to every output that it belongs to.
 *
 *     stride 1:   column t ends output t − 2, continues t − 1, begins t
 *     stride 2:   an even column ends one output and begins the next, an odd one continues
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
  epilogue: usize, sums: usize, n: i32, stride: i32, first: bool, last: bool, zeroPoint: i32,
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
  if (stride == 1) {
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
  } else if (sums < end) {
    low = v128.load(sums);
    high = v128.load(sums, 16);
    do {
      r0 = v128.load_ext<i8>(p0 += step0);
      r1 = v128.load_ext<i8>(p1 += step1);
      r2 = v128.load_ext<i8>(p2 += step2);
      const low01 = zipLow(r0, r1), low22 = zipLow(r2, r2);
      const high01 = zipHigh(r0, r1), high22 = zipHigh(r2, r2);
      v128.store(sums, addColumn(low, low01, low22, v128.load(w, 128), v128.load(w, 160)));
      v128.store(sums, addColumn(high, high01, high22, v128.load(w, 144), v128.load(w, 176)), 16);
      low = beginLow(epilogue, low01, low22, w);
      high = beginHigh(epilogue, high01, high22, w);
      sums += 32;
      r0 = v128.load_ext<i8>(p0 += step0);
      r1 = v128.load_ext<i8>(p1 += step1);
      r2 = v128.load_ext<i8>(p2 += step2);
      low = addColumn(low, zipLow(r0, r1), zipLow(r2, r2), v128.load(w, 64), v128.load(w, 96));
      high = addColumn(high, zipHigh(r0, r1), zipHigh(r2, r2), v128.load(w, 80), v128.load(w, 112));
    } while (sums < end);
    v128.store(sums, low);
    v128.store(sums, high, 16);
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
