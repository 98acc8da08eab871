import { ConvParams } from '../abi';
import { ACCUMULATORS, add, blocksOf, TILE } from './stridedWinograd';
import {
  inputBytes, inputImages, inputsOf, product, tilesAlong, TILES, transformInputs,
} from './stridedWinogradTiles';
import { Images } from './winogradTiles';

/** Scratch, from its first multiple of 64: | Images 64 | start values of a panel 64 | M [64][9][8] f32 | V | transform | */
// @ts-ignore: decorator
@inline const START_AT: usize = 64;
// @ts-ignore: decorator
@inline const PRODUCTS_AT: usize = 128;
// @ts-ignore: decorator
@inline const TILE_BYTES: usize = 288;
// @ts-ignore: decorator
@inline const INPUTS_AT: usize = PRODUCTS_AT + <usize>TILES * TILE_BYTES;

/**
 * y[p, o] = bias[o] + Σ w[o, i, j, c] · x[…]      as f32_conv2d, for windows of 3x3, stride 2, dilation 1
 *
 * Rounded otherwise: products and sums over c are those of transformed 5x5 patches, see `stridedWinograd.ts`. Ci and Co are
 * multiples of 8.
 *
 * x    [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * w    [Co/8][25][Ci][8] f32               from f32_pack_strided_winograd_weights
 * bias [Co] f32                            or pointer 0: none
 * y    [N, outHeight, outWidth, Co] f32    pixels outStride elements apart; writes Co of each
 * scratch                                  f32StridedWinogradScratchBytes(Ci)
 */
export function f32_strided_winograd2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  forward<v128>(params, batch, x, w, bias, y, scratch);
}

export function f32_strided_winograd2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  forward<f32>(params, batch, x, w, bias, y, scratch);
}

// @ts-ignore: decorator
@inline
function forward<T>(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  const base = (scratch + 63) & ~63;
  const images = changetype<Images>(base);
  inputImages(params, images);
  const tiles = batch * images.down * images.across;
  const row = <usize>params.inChannels << 2;
  const v = base + INPUTS_AT;
  const transform = v + inputBytes(row);
  for (let tile = 0; tile < tiles; tile += TILES) {
    const count = min(TILES, tiles - tile);
    transformInputs<T>(images, x, tile, count, transform, v, row);
    panels<T>(params, tile, count, w, bias, y, base);
  }
}

/** All output channels of a block of tiles, eight at a time. */
function panels<T>(
  params: ConvParams, tile: i32, count: i32, w: usize, bias: usize, y: usize, base: usize,
): void {
  const row = <usize>params.inChannels << 2;
  const start = base + START_AT, products = base + PRODUCTS_AT, v = base + INPUTS_AT;
  for (let o = 0; o < params.outChannels; o += 8) {
    memory.fill(start, 0, 32);
    for (let q = 0; q < ACCUMULATORS; q++) {
      const blocks = blocksOf(q), depth = blocks * params.inChannels;
      const step = <usize>blocks * row, to = products + (<usize>q << 5);
      product<T>(depth, count, inputsOf(v, q, row), step, w, start, to, TILE_BYTES);
      w += <usize>depth << 5;
    }
    if (bias) memory.copy(start, bias + (<usize>o << 2), 32);
    for (let t = 0; t < count; t++) {
      emit<T>(params, tile + t, products + <usize>t * TILE_BYTES, start, y + (<usize>o << 2));
    }
  }
}

/** y of one tile and eight channels. */
// @ts-ignore: decorator
@inline
function emit<T>(params: ConvParams, tile: i32, m: usize, start: usize, y: usize): void {
  const down = tilesAlong(params.outHeight), across = tilesAlong(params.outWidth);
  const line = tile / across;
  const ox = (tile - line * across) * TILE, oy = (line % down) * TILE;
  const pixel = <usize>params.outStride << 2, row = <usize>params.outWidth * pixel;
  let to = y + <usize>((line / down) * params.outHeight + oy) * row + <usize>ox * pixel;
  const high = min(TILE, params.outHeight - oy), wide = min(TILE, params.outWidth - ox);
  for (let i = 0; i < high; i++, m += 96, to += row) {
    for (let j: usize = 0; j < <usize>wide; j++) {
      for (let lane: usize = 0; lane < 32; lane += sizeof<T>()) {
        const at = m + (j << 5) + lane;
        const upper = add<T>(load<T>(at), load<T>(at + 32));
        const lower = add<T>(load<T>(at + 96), load<T>(at + 128));
        store<T>(to + j * pixel + lane, add<T>(add<T>(upper, lower), load<T>(start + lane)));
      }
    }
  }
}
