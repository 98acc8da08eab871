/**
 * The 3x3 depthwise sum at strides 1 and 2 in both directions, over the taps inside the image in rising (j, i):
 *
 *     y[oy, ox, c] = bias[c] + Σ_(j, i < 3) a[oy·s − padTop + i, ox·s − padLeft + j, c] · w[i, j, c]
 *
 * The walk takes bands of up to four output rows and goes through all channels of a pixel before the next pixel: each
 * row of a and of y is then one run of memory, and a is loaded once for all rows of the band.
 */
import { onePixel } from './depthwise';

/**
 * Four channels of one column of `n` output rows. The loop over columns of the kernel stays a loop: V8 moves the loads
 * of a body above its arithmetic, and those of one column just fit in its registers.
 *
 * first, last   whether the first and the last row of a that the band reads are outside the image
 */
// @ts-ignore: decorator
@inline
function tile(
  stride: i32, n: i32, first: bool, last: bool, y: usize, yRow: usize, start: v128, columns: i32,
  a: usize, aStep: usize, aRow: usize, w: usize, wStep: usize, wRow: usize,
): void {
  let acc0 = start, acc1 = start, acc2 = start, acc3 = start;
  for (let j = 0; j < columns; j++, a += aStep, w += wStep) {
    const w0 = v128.load(w), w1 = v128.load(w + wRow), w2 = v128.load(w + 2 * wRow);
    if (!first) acc0 = add(acc0, a, w0);
    let p = a + aRow;
    if (stride == 2) {
      acc0 = add(acc0, p, w1);
      const a2 = v128.load((p += aRow));
      acc0 = f32x4.add(acc0, f32x4.mul(a2, w2));
      acc1 = f32x4.add(acc1, f32x4.mul(a2, w0));
      acc1 = add(acc1, (p += aRow), w1);
      p += aRow;
      if (n == 3) {
        const a4 = v128.load(p);
        acc1 = f32x4.add(acc1, f32x4.mul(a4, w2));
        acc2 = f32x4.add(acc2, f32x4.mul(a4, w0));
        acc2 = add(acc2, (p += aRow), w1);
        if (!last) acc2 = add(acc2, p + aRow, w2);
      } else if (!last) acc1 = add(acc1, p, w2);
      continue;
    }
    const a1 = v128.load(p);
    const a2 = v128.load((p += aRow));
    const a3 = v128.load((p += aRow));
    acc0 = f32x4.add(acc0, f32x4.mul(a1, w1));
    acc1 = f32x4.add(acc1, f32x4.mul(a1, w0));
    acc0 = f32x4.add(acc0, f32x4.mul(a2, w2));
    acc1 = f32x4.add(acc1, f32x4.mul(a2, w1));
    acc2 = f32x4.add(acc2, f32x4.mul(a2, w0));
    acc1 = f32x4.add(acc1, f32x4.mul(a3, w2));
    acc2 = f32x4.add(acc2, f32x4.mul(a3, w1));
    p += aRow;
    if (n == 4) {
      const a4 = v128.load(p);
      acc3 = f32x4.add(acc3, f32x4.mul(a3, w0));
      acc2 = f32x4.add(acc2, f32x4.mul(a4, w2));
      acc3 = f32x4.add(acc3, f32x4.mul(a4, w1));
      if (!last) acc3 = add(acc3, p + aRow, w2);
    } else if (!last) acc2 = add(acc2, p, w2);
  }
  v128.store(y, acc0);
  v128.store((y += yRow), acc1);
  if (n > 2) v128.store((y += yRow), acc2);
  if (n > 3) v128.store(y + yRow, acc3);
}

// @ts-ignore: decorator
@inline
function add(acc: v128, a: usize, w: v128): v128 {
  return f32x4.add(acc, f32x4.mul(v128.load(a), w));
}

/** A band of `n` output rows or, for n = 1, one row of `rows` taps. */
// @ts-ignore: decorator
@inline
function band(
  stride: i32, n: i32, first: bool, last: bool, rows: i32,
  a: usize, aStep: usize, aRow: usize, inWidth: i32, padLeft: i32,
  w: usize, wStep: usize, wRow: usize, bias: usize,
  y: usize, yStep: usize, yRow: usize, outWidth: i32, lanes: usize,
): void {
  for (let ox = 0, left = -padLeft; ox < outWidth; ox++, left += stride, y += yStep) {
    const j0 = max(0, -left);
    const columns = min(3, inWidth - left) - j0;
    const corner = a + <usize>(left + j0) * aStep;
    const weights = w + <usize>j0 * wStep;
    for (let c: usize = 0; c < lanes; c += 16) {
      const start = bias ? v128.load(bias + c) : f32x4.splat(0);
      const to = y + c;
      const p = corner + c;
      const q = weights + c;
      if (n == 1) {
        v128.store(to, onePixel(start, rows, columns, p, aRow, aStep, q, wRow, wStep));
      } else {
        tile(stride, n, first, last, to, yRow, start, columns, p, aStep, aRow, q, wStep, wRow);
      }
    }
  }
}

/** The band with the constants that `first` and `last` are. */
// @ts-ignore: decorator
@inline
function bandAtEdges(
  stride: i32, n: i32, first: bool, last: bool,
  a: usize, aStep: usize, aRow: usize, inWidth: i32, padLeft: i32,
  w: usize, wStep: usize, wRow: usize, bias: usize,
  y: usize, yStep: usize, yRow: usize, outWidth: i32, lanes: usize,
): void {
  if (first && last) {
    band(stride, n, true, true, 3, a, aStep, aRow, inWidth, padLeft, w, wStep, wRow, bias,
      y, yStep, yRow, outWidth, lanes);
  } else if (first) {
    band(stride, n, true, false, 3, a, aStep, aRow, inWidth, padLeft, w, wStep, wRow, bias,
      y, yStep, yRow, outWidth, lanes);
  } else if (last) {
    band(stride, n, false, true, 3, a, aStep, aRow, inWidth, padLeft, w, wStep, wRow, bias,
      y, yStep, yRow, outWidth, lanes);
  } else {
    band(stride, n, false, false, 3, a, aStep, aRow, inWidth, padLeft, w, wStep, wRow, bias,
      y, yStep, yRow, outWidth, lanes);
  }
}

/**
 * The sums of `batch` images over `lanes` bytes of channels, a multiple of 16. Steps are in bytes: aStep and yStep from
 * one pixel to the next, wStep and wRow from one tap to the next along and down, negative for a turned kernel.
 */
// @ts-ignore: decorator
@inline
function correlate(
  stride: i32, batch: i32, a: usize, aStep: usize, inHeight: i32, inWidth: i32, padTop: i32,
  padLeft: i32, w: usize, wStep: usize, wRow: usize, bias: usize,
  y: usize, yStep: usize, outHeight: i32, outWidth: i32, lanes: usize,
): void {
  const aRow = <usize>inWidth * aStep;
  const yRow = <usize>outWidth * yStep;
  // Output rows [from, end) have at most their first and their last tap outside; a band takes at least `least` of them.
  const from = max(0, (padTop + stride - 2) >> (stride - 1));
  const end = min(outHeight, ((inHeight + padTop - 2) >> (stride - 1)) + 1);
  const least = stride == 1 ? 3 : 2;
  const banded = end - from >= least;
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < outHeight; ) {
      let n = 1;
      if (banded && oy >= from && oy < end) {
        // What is left over joins rows that are done: they get the same bytes again.
        oy = min(oy, end - least);
        const rest = end - oy;
        if (stride == 1) n = (rest & 3) == 0 ? 4 : 3;
        else n = rest % 3 == 0 ? 3 : 2;
      }
      const top = oy * stride - padTop;
      const last = top + stride * (n - 1) + 2 >= inHeight;
      const p = a + <usize>top * aRow;
      const to = y + <usize>oy * yRow;
      if (n == 1) {
        const i0 = max(0, -top);
        const rows = min(3, inHeight - top) - i0;
        band(stride, 1, false, false, rows, p + <usize>i0 * aRow, aStep, aRow, inWidth, padLeft,
          w + <usize>i0 * wRow, wStep, wRow, bias, to, yStep, yRow, outWidth, lanes);
      } else if (n == least) {
        bandAtEdges(stride, least, top < 0, last, p, aStep, aRow, inWidth, padLeft,
          w, wStep, wRow, bias, to, yStep, yRow, outWidth, lanes);
      } else {
        bandAtEdges(stride, least + 1, top < 0, last, p, aStep, aRow, inWidth, padLeft,
          w, wStep, wRow, bias, to, yStep, yRow, outWidth, lanes);
      }
      oy += n;
    }
    a += <usize>inHeight * aRow;
    y += <usize>outHeight * yRow;
  }
}

export function correlate3x3(
  batch: i32, a: usize, aStep: usize, inHeight: i32, inWidth: i32, padTop: i32, padLeft: i32,
  w: usize, wStep: usize, wRow: usize, bias: usize,
  y: usize, yStep: usize, outHeight: i32, outWidth: i32, lanes: usize,
): void {
  correlate(1, batch, a, aStep, inHeight, inWidth, padTop, padLeft, w, wStep, wRow, bias,
    y, yStep, outHeight, outWidth, lanes);
}

export function correlate3x3Stride2(
  batch: i32, a: usize, aStep: usize, inHeight: i32, inWidth: i32, padTop: i32, padLeft: i32,
  w: usize, wStep: usize, wRow: usize, bias: usize,
  y: usize, yStep: usize, outHeight: i32, outWidth: i32, lanes: usize,
): void {
  correlate(2, batch, a, aStep, inHeight, inWidth, padTop, padLeft, w, wStep, wRow, bias,
    y, yStep, outHeight, outWidth, lanes);
}
