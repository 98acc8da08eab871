/**
 * The weight gradient of the 3x3 depthwise sum over one band of output rows, at strides 1 and 2. Products of the rows
 * of a band are summed from 0 for each column and kept in `sums`; the walk goes through all channels of a column before
 * the next one, so that each row of dy and of x is one run of memory.
 *
 * sums [⌊C/4⌋][3 columns][3 rows][4 channels] f32    zero before and after, `sumsBytes` long
 */
import { ConvParams } from '../abi';
import { isBanded } from './depthwise';

/**
 * Output rows of the band that starts at row oy: up to four at stride 1 and three at stride 2, of which only the first
 * tap of the first row and the last tap of the last may be outside the image, otherwise 1. Narrower rows than four
 * would spend more on `sums` than the band saves.
 */
export function bandRows(params: ConvParams, oy: i32): i32 {
  if (!isBanded(params) || params.outWidth < 4) return 1;
  const stride = params.strideHeight;
  const from = max(0, (params.padTop + stride - 2) >> (stride - 1));
  const inside = ((params.inHeight + params.padTop - 2) >> (stride - 1)) + 1;
  const rest = min(params.outHeight, inside) - oy;
  if (oy < from || rest < 4 - stride) return 1;
  if (stride == 1) return (rest & 3) == 0 ? 4 : 3;
  return rest % 3 == 0 ? 3 : 2;
}

/**
 * sums += the products of four channels of one column of dy, `n` rows of it, with those of one column of x. Each sum is
 * stored before the loads of the next one: V8 moves the loads between two stores above the arithmetic.
 */
// @ts-ignore: decorator
@inline
function tile(
  stride: i32, n: i32, first: bool, last: bool,
  dy: usize, dyRow: usize, x: usize, xRow: usize, sums: usize,
): void {
  const g0 = v128.load(dy), g1 = v128.load((dy += dyRow));
  const g2 = n > 2 ? v128.load((dy += dyRow)) : g1;
  const g3 = n > 3 ? v128.load(dy + dyRow) : g2;
  let p = x + xRow;
  const x1 = v128.load(p);
  const x2 = v128.load((p += xRow));
  const x3 = v128.load((p += xRow));
  if (stride == 1) {
    let sum = f32x4.mul(g1, x1);
    if (!first) sum = f32x4.add(f32x4.mul(g0, v128.load(x)), sum);
    sum = f32x4.add(sum, f32x4.mul(g2, x2));
    if (n > 3) sum = f32x4.add(sum, f32x4.mul(g3, x3));
    into(sums, sum);
    const x4 = n > 3 || !last ? v128.load((p += xRow)) : x3;
    sum = f32x4.add(f32x4.mul(g0, x1), f32x4.mul(g1, x2));
    sum = f32x4.add(sum, f32x4.mul(g2, x3));
    if (n > 3) sum = f32x4.add(sum, f32x4.mul(g3, x4));
    into(sums + 16, sum);
    sum = f32x4.add(f32x4.mul(g0, x2), f32x4.mul(g1, x3));
    if (n > 3 || !last) sum = f32x4.add(sum, f32x4.mul(g2, x4));
    if (n > 3 && !last) sum = f32x4.add(sum, f32x4.mul(g3, v128.load(p + xRow)));
    into(sums + 32, sum);
  } else {
    let sum = f32x4.mul(g1, x2);
    if (!first) sum = f32x4.add(f32x4.mul(g0, v128.load(x)), sum);
    const x4 = n > 2 || !last ? v128.load((p += xRow)) : x3;
    if (n > 2) sum = f32x4.add(sum, f32x4.mul(g2, x4));
    into(sums, sum);
    sum = f32x4.add(f32x4.mul(g0, x1), f32x4.mul(g1, x3));
    if (n > 2) sum = f32x4.add(sum, f32x4.mul(g2, v128.load((p += xRow))));
    into(sums + 16, sum);
    sum = f32x4.mul(g0, x2);
    if (n > 2 || !last) sum = f32x4.add(sum, f32x4.mul(g1, x4));
    if (n > 2 && !last) sum = f32x4.add(sum, f32x4.mul(g2, v128.load(p + xRow)));
    into(sums + 32, sum);
  }
}

// @ts-ignore: decorator
@inline
function into(sums: usize, sum: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), sum));
}

/** sums += those of the band of `n` rows from dy and x on, which is the first row that the band reads. */
// @ts-ignore: decorator
@inline
function band(
  stride: i32, n: i32, first: bool, last: bool, params: ConvParams,
  dy: usize, x: usize, sums: usize, lanes: usize,
): void {
  const inWidth = params.inWidth;
  const dyStep = <usize>params.outStride << 2;
  const dyRow = <usize>params.outWidth * dyStep;
  const xStep = <usize>params.inStride << 2;
  const xRow = <usize>inWidth * xStep;
  let left = -params.padLeft;
  for (const end = dy + dyRow; dy < end; dy += dyStep, left += stride) {
    const j0 = max(0, -left);
    const columns = min(3, inWidth - left) - j0;
    const corner = x + <usize>(left + j0) * xStep;
    let to = sums + 48 * j0;
    for (let c: usize = 0; c < lanes; c += 16, to += SUMS_OF_FOUR) {
      for (let j = 0, p = corner + c, s = to; j < columns; j++, p += xStep, s += 48) {
        tile(stride, n, first, last, dy + c, dyRow, p, xRow, s);
      }
    }
  }
}

/** Bytes of the sums of four channels. */
// @ts-ignore: decorator
@inline const SUMS_OF_FOUR: usize = 144;

// @ts-ignore: decorator
@inline
function bandAtEdges(
  stride: i32, n: i32, first: bool, last: bool, params: ConvParams,
  dy: usize, x: usize, sums: usize, lanes: usize,
): void {
  if (first && last) band(stride, n, true, true, params, dy, x, sums, lanes);
  else if (first) band(stride, n, true, false, params, dy, x, sums, lanes);
  else if (last) band(stride, n, false, true, params, dy, x, sums, lanes);
  else band(stride, n, false, false, params, dy, x, sums, lanes);
}

/**
 * dw += the sums over the band of n = bandRows(params, oy) > 1 rows of dy from row oy on, `lanes` bytes of channels.
 *
 * dy   that row         x   the image that belongs to it         dw [3, 3, C] f32
 */
export function addBand(
  params: ConvParams, oy: i32, n: i32, dy: usize, x: usize, dw: usize, sums: usize, lanes: usize,
): void {
  const stride = params.strideHeight;
  const top = oy * stride - params.padTop;
  const first = top < 0;
  const last = top + stride * (n - 1) + 2 >= params.inHeight;
  x += <usize>(top * params.inWidth * params.inStride) << 2;
  if (stride == 1) {
    if (n == 3) bandAtEdges(1, 3, first, last, params, dy, x, sums, lanes);
    else bandAtEdges(1, 4, first, last, params, dy, x, sums, lanes);
  } else if (n == 2) bandAtEdges(2, 2, first, last, params, dy, x, sums, lanes);
  else bandAtEdges(2, 3, first, last, params, dy, x, sums, lanes);
  const tap = <usize>params.outChannels << 2;
  const zero = f32x4.splat(0);
  for (let c: usize = 0; c < lanes; c += 16) {
    for (let j = 0, column = dw + c; j < 3; j++, column += tap) {
      for (let i = 0, to = column; i < 3; i++, to += 3 * tap, sums += 16) {
        v128.store(to, f32x4.add(v128.load(to), v128.load(sums)));
        v128.store(sums, zero);
      }
    }
  }
}
