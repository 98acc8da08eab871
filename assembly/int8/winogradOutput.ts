import { ConvParams } from '../abi';
import { highHalf, storeBytes, storeFloats } from '../lib/lanes';
import { clampLanes, scaleLanes } from '../lib/requantize';

/**
 * Products of a block of tiles, M [tiles][16][8] i32, to the outputs n … n + 7 of these tiles, the first of which is
 * tile `tile` of the batch: to i8, or where `real` to u in f32 (outStride then counts f32). M is overwritten.
 */
// @ts-ignore: decorator
@inline
export function emit(
  params: ConvParams, lanes: usize, products: usize, tile: i32, tiles: i32, n: i32, y: usize,
  real: bool,
): void {
  const size: usize = real ? 2 : 0;
  const across = (params.outWidth + 1) >> 1, down = (params.outHeight + 1) >> 1;
  const line = tile / across;
  let ox = (tile - line * across) << 1, oy = (line % down) << 1;
  const pixel = <usize>params.outStride << size, row = <usize>params.outWidth * pixel;
  const columns = min(8, params.outChannels - n);
  let start = y + <usize>((line / down) * params.outHeight + oy) * row + (<usize>n << size);
  let m = products;
  for (const end = m + (tiles << 9); m < end; m += 512) {
    if (!real) {
      requantizeHalf(params, m, n, lanes);
      requantizeHalf(params, m + 16, n + 4, lanes);
    }
    const to = start + <usize>ox * pixel;
    const wide = ox + 1 < params.outWidth, high = oy + 1 < params.outHeight;
    if (!real) {
      const least = v128.load(lanes, 64), most = v128.load(lanes, 80);
      const top = clampBytes(m, least, most), bottom = clampBytes(m + 64, least, most);
      storeRow(to, top, columns, wide, pixel);
      if (high) storeRow(to + row, bottom, columns, wide, pixel);
    } else if (columns == 8 && wide && high) {
      scaleHalf(params, m, n, to, pixel, row);
      scaleHalf(params, m + 16, n + 4, to + 16, pixel, row);
    } else {
      scaleHalf(params, m, n, m, 32, 64);
      scaleHalf(params, m + 16, n + 4, m + 16, 32, 64);
      storeReals(to, m, columns, wide, pixel);
      if (high) storeReals(to + row, m + 64, columns, wide, pixel);
    }
    ox += 2;
    if (ox >= params.outWidth) {
      ox = 0;
      start += high ? row << 1 : row;
      oy += 2;
      if (oy >= params.outHeight) oy = 0;
    }
  }
}

/** The results, i32, take the place of the first products: a row of two, 32 bytes apart, then the second row. */
function requantizeHalf(params: ConvParams, m: usize, n: i32, lanes: usize): void {
  half(params, m, n, lanes, false, m, 32, 64);
}

function scaleHalf(
  params: ConvParams, m: usize, n: i32, to: usize, right: usize, below: usize,
): void {
  half(params, m, n, 0, true, to, right, below);
}

/**
 * Aᵀ·M·A / 4 of four channels, scaled, and rounded unless `real`: a row of two, `right` bytes apart, and one `below` it.
 */
// @ts-ignore: decorator
@inline
function half(
  params: ConvParams, m: usize, n: i32, lanes: usize, real: bool, to: usize, right: usize,
  below: usize,
): void {
  let a = v128.load(m), b = v128.load(m, 128), c = v128.load(m, 256), d = v128.load(m, 384);
  let y00 = i32x4.add(i32x4.add(a, b), c), y10 = i32x4.sub(i32x4.sub(b, c), d);
  a = v128.load(m, 32); b = v128.load(m, 160); c = v128.load(m, 288); d = v128.load(m, 416);
  let y01 = i32x4.add(i32x4.add(a, b), c), y11 = i32x4.sub(i32x4.sub(b, c), d);
  y00 = i32x4.add(y00, y01);
  y10 = i32x4.add(y10, y11);
  a = v128.load(m, 64); b = v128.load(m, 192); c = v128.load(m, 320); d = v128.load(m, 448);
  let top = i32x4.add(i32x4.add(a, b), c), bottom = i32x4.sub(i32x4.sub(b, c), d);
  y00 = i32x4.add(y00, top);
  y10 = i32x4.add(y10, bottom);
  y01 = i32x4.sub(y01, top);
  y11 = i32x4.sub(y11, bottom);
  a = v128.load(m, 96); b = v128.load(m, 224); c = v128.load(m, 352); d = v128.load(m, 480);
  top = i32x4.add(i32x4.add(a, b), c);
  bottom = i32x4.sub(i32x4.sub(b, c), d);
  y01 = i32x4.sub(y01, top);
  y11 = i32x4.sub(y11, bottom);

  const multiplier = v128.load(params.multiplier + (n << 2));
  const addend = v128.load(params.addend + (n << 2));
  y00 = scaleLanes(i32x4.shr_s(y00, 2), multiplier, addend);
  y01 = scaleLanes(i32x4.shr_s(y01, 2), multiplier, addend);
  y10 = scaleLanes(i32x4.shr_s(y10, 2), multiplier, addend);
  y11 = scaleLanes(i32x4.shr_s(y11, 2), multiplier, addend);
  if (!real) {
    if (!params.magic) {
      y00 = clampLanes(y00, lanes);
      y01 = clampLanes(y01, lanes);
      y10 = clampLanes(y10, lanes);
      y11 = clampLanes(y11, lanes);
    }
    const magic = v128.load(lanes, 32), bits = v128.load(lanes, 48);
    y00 = i32x4.sub(f32x4.add(y00, magic), bits);
    y01 = i32x4.sub(f32x4.add(y01, magic), bits);
    y10 = i32x4.sub(f32x4.add(y10, magic), bits);
    y11 = i32x4.sub(f32x4.add(y11, magic), bits);
  }
  v128.store(to, y00);
  v128.store(to + right, y01);
  v128.store(to + below, y10);
  v128.store(to + below + right, y11);
}

/** Two pixels of eight channels, as bytes. */
// @ts-ignore: decorator
@inline
function clampBytes(m: usize, least: v128, most: v128): v128 {
  const left = i16x8.narrow_i32x4_s(v128.load(m), v128.load(m, 16));
  const right = i16x8.narrow_i32x4_s(v128.load(m, 32), v128.load(m, 48));
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(left, right), least), most);
}

/** The first pixel, and where the row goes on (`wide`) the second. */
// @ts-ignore: decorator
@inline
function storeRow(y: usize, lanes: v128, columns: i32, wide: bool, pixel: usize): void {
  if (columns == 8) {
    v128.store64_lane(y, lanes, 0);
    if (wide) v128.store64_lane(y + pixel, lanes, 1);
    return;
  }
  storeBytes(y, lanes, columns);
  if (wide) storeBytes(y + pixel, highHalf(lanes), columns);
}

/** `storeRow` of two pixels of f32, which stand in M. */
// @ts-ignore: decorator
@inline
function storeReals(y: usize, m: usize, columns: i32, wide: bool, pixel: usize): void {
  storeFloats(y, v128.load(m), v128.load(m, 16), columns);
  if (wide) storeFloats(y + pixel, v128.load(m, 32), v128.load(m, 48), columns);
}
