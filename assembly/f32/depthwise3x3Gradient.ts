/**
 * The input gradient of the 3x3 depthwise sum at stride 2, over the outputs that read the pixel in rising (ox, oy).
 * With py = iy + padTop and px = ix + padLeft, the pixel is tap (py − 2·oy, px − 2·ox) of output (oy, ox):
 *
 *     dx[iy, ix, c] = Σ_(ox = ⌈px/2⌉ − 1 … ⌊px/2⌋, oy = ⌈py/2⌉ − 1 … ⌊py/2⌋) dy[oy, ox, c] · w[py − 2·oy, px − 2·ox, c]
 *
 * A row of even py meets two rows of dy, one of odd py a single one. The walk takes bands of two or three such pairs of
 * rows, all channels of a pixel before the next pixel.
 */
import { onePixel } from './depthwise';

/**
 * Four channels of one column of `pairs` (2 or 3) pairs of rows, from the pair whose rows meet the rows dy − 1 and dy,
 * and dy alone. Steps are in bytes; wStep leads two taps back, tapRow one row of taps on.
 *
 * first   whether row dy − 1 is outside the image
 */
// @ts-ignore: decorator
@inline
function tile(
  pairs: i32, first: bool, dx: usize, dxRow: usize, columns: i32,
  dy: usize, dyStep: usize, dyRow: usize, w: usize, wStep: usize, tapRow: usize,
): void {
  let acc0 = f32x4.splat(0);
  let acc1 = acc0, acc2 = acc0, acc3 = acc0, acc4 = acc0, acc5 = acc0;
  for (let j = 0; j < columns; j++, dy += dyStep, w += wStep) {
    const w0 = v128.load(w), w1 = v128.load(w + tapRow), w2 = v128.load(w + (tapRow << 1));
    if (!first) acc0 = f32x4.add(acc0, f32x4.mul(v128.load(dy - dyRow), w2));
    const g0 = v128.load(dy), g1 = v128.load(dy + dyRow);
    acc0 = f32x4.add(acc0, f32x4.mul(g0, w0));
    acc1 = f32x4.add(acc1, f32x4.mul(g0, w1));
    acc2 = f32x4.add(acc2, f32x4.mul(g0, w2));
    acc2 = f32x4.add(acc2, f32x4.mul(g1, w0));
    acc3 = f32x4.add(acc3, f32x4.mul(g1, w1));
    if (pairs == 3) {
      const g2 = v128.load(dy + (dyRow << 1));
      acc4 = f32x4.add(acc4, f32x4.mul(g1, w2));
      acc4 = f32x4.add(acc4, f32x4.mul(g2, w0));
      acc5 = f32x4.add(acc5, f32x4.mul(g2, w1));
    }
  }
  v128.store(dx, acc0);
  v128.store((dx += dxRow), acc1);
  v128.store((dx += dxRow), acc2);
  v128.store((dx += dxRow), acc3);
  if (pairs == 3) {
    v128.store((dx += dxRow), acc4);
    v128.store(dx + dxRow, acc5);
  }
}

/** A band of `pairs` pairs of rows or, for pairs = 0, one row that meets `rows` rows of dy. */
// @ts-ignore: decorator
@inline
function band(
  pairs: i32, first: bool, rows: i32, dy: usize, dyStep: usize, outWidth: i32, padLeft: i32,
  w: usize, tap: usize, dx: usize, dxStep: usize, inWidth: i32, lanes: usize,
): void {
  const dyRow = <usize>outWidth * dyStep;
  const dxRow = <usize>inWidth * dxStep;
  const tapRow = <usize>3 * tap;
  const wStep = -(tap << 1);
  const zero = f32x4.splat(0);
  for (let px = padLeft; px < padLeft + inWidth; px++, dx += dxStep) {
    const ox = max(0, (px - 1) >> 1);
    const columns = min(outWidth - 1, px >> 1) - ox + 1;
    const corner = dy + <usize>ox * dyStep;
    const weights = w + <usize>(px - 2 * ox) * tap;
    for (let c: usize = 0; c < lanes; c += 16) {
      const to = dx + c;
      const g = corner + c;
      const q = weights + c;
      if (pairs == 0) {
        v128.store(to, onePixel(zero, rows, columns, g, dyRow, dyStep, q, -(tapRow << 1), wStep));
      } else tile(pairs, first, to, dxRow, columns, g, dyStep, dyRow, q, wStep, tapRow);
    }
  }
}

/** dx of `batch` images over `lanes` bytes of channels, a multiple of 16. Steps are in bytes, tap from tap to tap. */
export function gradient3x3Stride2(
  batch: i32, dy: usize, dyStep: usize, outHeight: i32, outWidth: i32, padTop: i32, padLeft: i32,
  w: usize, tap: usize, dx: usize, dxStep: usize, inHeight: i32, inWidth: i32, lanes: usize,
): void {
  const dyRow = <usize>outWidth * dyStep;
  const dxRow = <usize>inWidth * dxStep;
  // Rows py of pairs whose second row of dy is inside.
  const from = (padTop + 1) & ~1;
  const end = min(2 * outHeight, (padTop + inHeight) & ~1);
  for (let image = 0; image < batch; image++) {
    for (let py = padTop; py < padTop + inHeight; ) {
      let pairs = 0;
      if (end - from >= 4 && py >= from && py < end) {
        // A pair that is left over joins one that is done: it gets the same bytes again.
        py = min(py, end - 4);
        pairs = (end - py) % 6 == 0 ? 3 : 2;
      }
      const to = dx + <usize>(py - padTop) * dxRow;
      const oy = pairs ? py >> 1 : max(0, (py - 1) >> 1);
      const g = dy + <usize>oy * dyRow;
      if (pairs == 0) {
        const rows = min(outHeight - 1, py >> 1) - oy + 1;
        const q = w + <usize>(3 * (py - 2 * oy)) * tap;
        band(0, false, rows, g, dyStep, outWidth, padLeft, q, tap, to, dxStep, inWidth, lanes);
      } else if (pairs == 2) {
        if (oy == 0) band(2, true, 0, g, dyStep, outWidth, padLeft, w, tap, to, dxStep, inWidth, lanes);
        else band(2, false, 0, g, dyStep, outWidth, padLeft, w, tap, to, dxStep, inWidth, lanes);
      } else if (oy == 0) {
        band(3, true, 0, g, dyStep, outWidth, padLeft, w, tap, to, dxStep, inWidth, lanes);
      } else {
        band(3, false, 0, g, dyStep, outWidth, padLeft, w, tap, to, dxStep, inWidth, lanes);
      }
      py += pairs ? 2 * pairs : 1;
    }
    dy += <usize>outHeight * dyRow;
    dx += <usize>inHeight * dxRow;
  }
}
