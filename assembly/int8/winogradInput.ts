import { ConvParams } from '../abi';
import { alignTo16 } from '../lib/lanes';

/** Output columns of four tiles, and the input columns that they see. */
// @ts-ignore: decorator
@inline const COLUMNS: i32 = 10;

/** Bytes of the patch that four tiles see, padding included: [4][10][inChannels rounded up to 16], and slack. */
// @ts-ignore: decorator
@inline
export function patchBytes(inChannels: i32): usize {
  return 4 * COLUMNS * alignTo16(inChannels) + 16;
}

/**
 * The tiles tile … tile + count − 1 of the batch, row by row, to A-panels of the 16 positions:
 *
 *     V = Bᵀ·(x − inZeroPoint)·B of each 4x4 patch, |V| ≤ 4 · 255
 *     panels [16][pairs][lanes][2] i16, lanes of `stride` bytes in all: tile t of the block is lane t
 *
 * Four neighbours go together, because they share columns. Where a row of tiles ends, or the block, lanes past the
 * end are filled with what never matters: the next tiles overwrite them, or nothing reads them. Channels past
 * inChannels likewise: their weights are 0.
 */
export function transformTiles(
  params: ConvParams, x: usize, tile: i32, count: i32, patch: usize, panels: usize,
  pairs: i32, stride: usize,
): void {
  const across = (params.outWidth + 1) >> 1, down = (params.outHeight + 1) >> 1;
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  const line = tile / across;
  let tx = tile - line * across, ty = line % down;
  let image = x + (line / down) * imageBytes;
  while (count > 0) {
    transformFour(params, image, (ty << 1) - params.padTop, (tx << 1) - params.padLeft, patch,
      panels, pairs, stride);
    const step = min(min(4, across - tx), count);
    panels += step << 2;
    count -= step;
    tx += step;
    if (tx == across) {
      tx = 0;
      if (++ty == down) {
        ty = 0;
        image += imageBytes;
      }
    }
  }
}

/** Four tiles side by side, whose first patch begins in row y0, column x0. */
function transformFour(
  params: ConvParams, image: usize, y0: i32, x0: i32, patch: usize, panels: usize, pairs: i32,
  stride: usize,
): void {
  let pixel: usize = params.inStride;
  let row: usize = params.inWidth * params.inStride;
  let at = image + (y0 * params.inWidth + x0) * params.inStride;
  if (y0 < 0 || y0 + 4 > params.inHeight || x0 < 0 || x0 + COLUMNS > params.inWidth) {
    copyPatch(params, image, y0, x0, patch);
    pixel = alignTo16(params.inChannels);
    row = <usize>COLUMNS * pixel;
    at = patch;
  }
  const position = <usize>pairs * stride;
  const zero = i16x8.splat(<i16>(params.inZeroPoint << 2));
  for (let p = 0; p < pairs; p += 4) {
    const third = at + 2 * row;
    differences(at, third, pixel, panels, stride, position);
    sums(at + row, third, pixel, panels + 4 * position, stride, position, zero);
    differences(third, at + row, pixel, panels + 8 * position, stride, position);
    differences(at + row, third + row, pixel, panels + 12 * position, stride, position);
    at += 8;
    panels += stride << 2;
  }
}

/** The patch of four tiles with inZeroPoint where it leaves the image. */
function copyPatch(params: ConvParams, image: usize, y0: i32, x0: i32, to: usize): void {
  const zero = i8x16.splat(<i8>params.inZeroPoint);
  const channels = params.inChannels;
  for (let iy = y0; iy < y0 + 4; iy++) {
    for (let ix = x0; ix < x0 + COLUMNS; ix++) {
      if (<u32>iy < <u32>params.inHeight && <u32>ix < <u32>params.inWidth) {
        const from = image + (iy * params.inWidth + ix) * params.inStride;
        for (let c = 0; c < channels; c += 16) v128.store(to + c, v128.load(from + c));
      } else {
        for (let c = 0; c < channels; c += 16) v128.store(to + c, zero);
      }
      to += alignTo16(channels);
    }
  }
}

function differences(
  a: usize, b: usize, pixel: usize, to: usize, stride: usize, position: usize,
): void {
  transformRow(a, b, pixel, to, stride, position, false, i16x8.splat(0));
}

function sums(
  a: usize, b: usize, pixel: usize, to: usize, stride: usize, position: usize, zero: v128,
): void {
  transformRow(a, b, pixel, to, stride, position, true, zero);
}

/**
 * One row of V of four tiles, eight channels: positions 0 … 3 of a row, from t = a − b of each column, or a + b. The
 * zero point falls out of every difference; only the middle of V, a sum of four values, has it, four times.
 */
// @ts-ignore: decorator
@inline
function transformRow(
  a: usize, b: usize, pixel: usize, to: usize, stride: usize, position: usize, sum: bool,
  zero: v128,
): void {
  const t0 = combine(a, b, sum);
  const t1 = combine(a + pixel, b + pixel, sum);
  const t2 = combine(a + 2 * pixel, b + 2 * pixel, sum);
  const t3 = combine(a + 3 * pixel, b + 3 * pixel, sum);
  const t4 = combine(a + 4 * pixel, b + 4 * pixel, sum);
  const t5 = combine(a + 5 * pixel, b + 5 * pixel, sum);
  const t6 = combine(a + 6 * pixel, b + 6 * pixel, sum);
  const t7 = combine(a + 7 * pixel, b + 7 * pixel, sum);
  const t8 = combine(a + 8 * pixel, b + 8 * pixel, sum);
  const t9 = combine(a + 9 * pixel, b + 9 * pixel, sum);
  storeLanes(to, stride, i16x8.sub(t0, t2), i16x8.sub(t2, t4), i16x8.sub(t4, t6), i16x8.sub(t6, t8));
  to += position;
  let v0 = i16x8.add(t1, t2), v1 = i16x8.add(t3, t4), v2 = i16x8.add(t5, t6), v3 = i16x8.add(t7, t8);
  if (sum) {
    v0 = i16x8.sub(v0, zero);
    v1 = i16x8.sub(v1, zero);
    v2 = i16x8.sub(v2, zero);
    v3 = i16x8.sub(v3, zero);
  }
  storeLanes(to, stride, v0, v1, v2, v3);
  to += position;
  storeLanes(to, stride, i16x8.sub(t2, t1), i16x8.sub(t4, t3), i16x8.sub(t6, t5), i16x8.sub(t8, t7));
  to += position;
  storeLanes(to, stride, i16x8.sub(t1, t3), i16x8.sub(t3, t5), i16x8.sub(t5, t7), i16x8.sub(t7, t9));
}

// @ts-ignore: decorator
@inline
function combine(a: usize, b: usize, sum: bool): v128 {
  const first = v128.load_ext<i8>(a), second = v128.load_ext<i8>(b);
  return sum ? i16x8.add(first, second) : i16x8.sub(first, second);
}

/** Eight channels of four tiles, one tile a vector, to four pairs of four lanes. */
// @ts-ignore: decorator
@inline
function storeLanes(to: usize, stride: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to + stride, v128.shuffle<i64>(low01, low23, 1, 3));
  const high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7);
  v128.store(to + 2 * stride, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(to + 3 * stride, v128.shuffle<i64>(high01, high23, 1, 3));
}
