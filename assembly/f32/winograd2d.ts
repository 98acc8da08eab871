import { ConvParams } from '../abi';
import { storeFloats } from '../lib/lanes';
import { tiles4x8 } from './tile';
import { outputLine, PATCH, POSITIONS, TILE } from './winograd';
import {
  Images, inputImages, positionBytesOf, rowBytesOf, tilesAlong, transformTiles,
} from './winogradTiles';

/** Tiles that are transformed together: V and M stay in L2. `src/core/f32Layout.ts` has the twin. */
// @ts-ignore: decorator
@inline
export const BLOCK: i32 = 16;

/**
 * Scratch, from its first multiple of 64:
 * | Images 64 | start values of a panel 64 | lines 384 | a tile of y 512 | M [16][36][8] f32 | V | patch |
 */
// @ts-ignore: decorator
@inline const START_AT: usize = 64;
// @ts-ignore: decorator
@inline const LINES_AT: usize = 128;
// @ts-ignore: decorator
@inline const OUTPUT_AT: usize = 512;
// @ts-ignore: decorator
@inline const PRODUCTS_AT: usize = 1024;
// @ts-ignore: decorator
@inline const TILE_BYTES: usize = 1152;
// @ts-ignore: decorator
@inline const INPUTS_AT: usize = PRODUCTS_AT + <usize>BLOCK * TILE_BYTES;

/**
 * y[p, o] = bias[o] + Σ w[o, i, j, c] · x[…]      as f32_conv2d, for windows of 3x3, stride and dilation 1
 *
 * Rounded otherwise: products and sums over c are those of transformed 6x6 patches, see `winograd.ts`.
 *
 * x    [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * w    [ceil(Co/8)][36][Ci][8] f32         from f32_pack_winograd_weights
 * bias [Co] f32                            or pointer 0: none
 * y    [N, outHeight, outWidth, Co] f32    pixels outStride elements apart; writes Co of each
 * scratch                                  f32WinogradScratchBytes(Ci)
 */
export function f32_winograd2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  const base = (scratch + 63) & ~63;
  const images = changetype<Images>(base);
  inputImages(params, images);
  const tiles = batch * images.down * images.across;
  const row = rowBytesOf(params.inChannels);
  const position = positionBytesOf(BLOCK, row);
  const v = base + INPUTS_AT;
  const patch = v + <usize>POSITIONS * position;
  for (let tile = 0; tile < tiles; tile += BLOCK) {
    const count = min(BLOCK, tiles - tile);
    transformTiles<v128>(images, PATCH, x, tile, count, patch, v, row, position);
    panels(params, tile, count, row, position, w, bias, y, base);
  }
}

/** All output channels of a block of tiles, eight at a time. */
function panels(
  params: ConvParams, tile: i32, count: i32, row: usize, position: usize, w: usize, bias: usize,
  y: usize, base: usize,
): void {
  const depth = params.inChannels;
  const zero = base + START_AT, products = base + PRODUCTS_AT;
  for (let o = 0; o < params.outChannels; o += 8) {
    const width = min(8, params.outChannels - o);
    memory.fill(zero, 0, 32);
    let v = base + INPUTS_AT;
    for (let q: usize = 0; q < 36; q++, v += position, w += <usize>depth << 5) {
      tiles4x8(depth, count, v, row, w, zero, 0, products + (q << 5), TILE_BYTES);
    }
    if (bias) memory.copy(zero, bias + (<usize>o << 2), <usize>width << 2);
    for (let t = 0; t < count; t++) {
      const from = products + <usize>t * TILE_BYTES;
      emit(params, tile + t, from, y + (<usize>o << 2), width, base, 4);
    }
  }
}

/** y of one tile and `width` ≤ 8 channels. `factor` is 4. */
function emit(
  params: ConvParams, tile: i32, m: usize, y: usize, width: i32, base: usize, factor: f32,
): void {
  const down = tilesAlong(params.outHeight), across = tilesAlong(params.outWidth);
  const line = tile / across;
  const ox = (tile - line * across) * TILE, oy = (line % down) * TILE;
  const pixel = <usize>params.outStride << 2;
  const row = <usize>params.outWidth * pixel;
  const to = y + <usize>((line / down) * params.outHeight + oy) * row + <usize>ox * pixel;
  const high = min(TILE, params.outHeight - oy), wide = min(TILE, params.outWidth - ox);
  const whole = width == 8 && high == TILE && wide == TILE;
  const target = whole ? to : base + OUTPUT_AT;
  const targetPixel = whole ? pixel : 32, targetRow = whole ? row : 128;
  const four = f32x4.splat(factor);
  for (let half: usize = 0; half < 32; half += 16) {
    const start = v128.load(base + START_AT + half);
    outputs<v128>(m + half, base + LINES_AT, target + half, targetRow, targetPixel, four, start);
  }
  if (whole) return;
  for (let i = 0; i < high; i++) {
    for (let j = 0; j < wide; j++) {
      const from = target + <usize>(i * 128 + j * 32);
      const place = to + <usize>i * row + <usize>j * pixel;
      storeFloats(place, v128.load(from), v128.load(from, 16), width);
    }
  }
}

/** Aᵀ·m·A + start, m [36] 32 bytes apart, to 4x4 places. */
// @ts-ignore: decorator
@inline
function outputs<T>(
  m: usize, lines: usize, to: usize, row: usize, pixel: usize, four: T, start: T,
): void {
  const size: usize = sizeof<T>();
  for (let i: usize = 0; i < 6; i++) {
    outputLine<T>(m + i * 192, 32, lines + i * 4 * size, size, four, nothing<T>());
  }
  for (let j: usize = 0; j < 4; j++) {
    outputLine<T>(lines + j * size, 4 * size, to + j * pixel, row, four, start);
  }
}

// @ts-ignore: decorator
@inline
function nothing<T>(): T {
  if (isVector<T>()) return f32x4.splat(0);
  return <T>0;
}

/** One tile after the other, one channel after the other. */
export function f32_winograd2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  const base = (scratch + 63) & ~63;
  const images = changetype<Images>(base);
  inputImages(params, images);
  const row = rowBytesOf(params.inChannels);
  const position = positionBytesOf(BLOCK, row);
  const v = base + INPUTS_AT;
  for (let tile = 0; tile < batch * images.down * images.across; tile++) {
    transformTiles<f32>(images, PATCH, x, tile, 1, v + 36 * position, v, row, position);
    for (let o = 0; o < params.outChannels; o++) {
      const start: f32 = bias ? load<f32>(bias + (<usize>o << 2)) : 0;
      tileScalar(params, tile, o, v, position, w, start, y + (<usize>o << 2), base);
    }
  }
}

function tileScalar(
  params: ConvParams, tile: i32, o: i32, v: usize, position: usize, w: usize, start: f32, y: usize,
  base: usize,
): void {
  const depth = params.inChannels;
  const m = base + PRODUCTS_AT, target = base + OUTPUT_AT;
  const panel = w + <usize>(o >> 3) * 36 * (<usize>depth << 5) + (<usize>(o & 7) << 2);
  for (let q: usize = 0; q < 36; q++) {
    let sum: f32 = 0;
    for (let c: usize = 0; c < <usize>depth; c++) {
      sum += load<f32>(v + q * position + (c << 2)) * load<f32>(panel + ((q * depth + c) << 5));
    }
    store<f32>(m + (q << 5), sum);
  }
  outputs<f32>(m, base + LINES_AT, target, 128, 32, 4, start);
  const down = tilesAlong(params.outHeight), across = tilesAlong(params.outWidth);
  const line = tile / across, image = line / down;
  for (let i = 0; i < TILE; i++) {
    for (let j = 0; j < TILE; j++) {
      const oy = (line % down) * TILE + i, ox = (tile % across) * TILE + j;
      if (oy >= params.outHeight || ox >= params.outWidth) continue;
      const p = (image * params.outHeight + oy) * params.outWidth + ox;
      const value = load<f32>(target + <usize>(i * 128 + j * 32));
      store<f32>(y + (<usize>(p * params.outStride) << 2), value);
    }
  }
}

