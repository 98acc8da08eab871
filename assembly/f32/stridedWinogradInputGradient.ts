import { ConvParams } from '../abi';
import { zeroPixels } from './conv2dInputGradient';
import { accumulatorOf, ACCUMULATORS, add, BLOCKS, blocksOf, firstBlockOf, PATCH, rankOf, STEP, sub } from './stridedWinograd';
import {
  gradientBytes, gradientsOf, outputImages, product, tilesAlong, TILES, transformGradients,
} from './stridedWinogradTiles';
import { Images } from './winogradTiles';

/**
 * Scratch, from its first multiple of 64:
 * | Images 64 | zeros 64 | places 128 | lines 448 | D [64][25][8] f32 | G | transform |
 */
// @ts-ignore: decorator
@inline const ZERO_AT: usize = 64;
// @ts-ignore: decorator
@inline const PLACES_AT: usize = 128;
// @ts-ignore: decorator
@inline const LINES_AT: usize = 256;
// @ts-ignore: decorator
@inline const PRODUCTS_AT: usize = 704;
// @ts-ignore: decorator
@inline const TILE_BYTES: usize = 800;
// @ts-ignore: decorator
@inline const GRADIENTS_AT: usize = PRODUCTS_AT + <usize>TILES * TILE_BYTES;

/**
 * dx of f32_strided_winograd2d: D = G·Uᵀ for each block of its tiles, scattered back to the pixels of their patches:
 *
 *     d0 += D0      d1 += D3      d2 += D1 − D0 − D2      d3 += D4      d4 += D2      in either direction
 *
 * Ci and Co are multiples of 8. Sums run over rising o, then over rising tiles.
 *
 * dy [N, outHeight, outWidth, Co] f32    pixels outStride elements apart
 * w  [Ci/8][25][Co][8] f32               from f32_pack_strided_winograd_weights, its lanes input channels
 * dx [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart; writes Ci of each
 * scratch                                f32StridedWinogradInputGradientScratchBytes(Co)
 */
export function f32_strided_winograd2d_input_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, scratch: usize,
): void {
  inputGradient<v128>(params, batch, dy, w, dx, scratch);
}

export function f32_strided_winograd2d_input_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, scratch: usize,
): void {
  inputGradient<f32>(params, batch, dy, w, dx, scratch);
}

// @ts-ignore: decorator
@inline
function inputGradient<T>(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, scratch: usize,
): void {
  const base = (scratch + 63) & ~63;
  const images = changetype<Images>(base);
  outputImages(params, images);
  zeroPixels(params, batch, dx);
  memory.fill(base + ZERO_AT, 0, 32);
  placeProducts(base + PLACES_AT);
  const tiles = batch * images.down * images.across;
  const row = <usize>params.outChannels << 2;
  const g = base + GRADIENTS_AT;
  const transform = g + gradientBytes(row);
  for (let tile = 0; tile < tiles; tile += TILES) {
    const count = min(TILES, tiles - tile);
    transformGradients<T>(images, dy, tile, count, transform, g, row);
    panels<T>(params, tile, count, w, dx, base);
  }
}

/** Bytes of product (i, j) in D, u32 [25]. */
function placeProducts(places: usize): void {
  for (let i = 0; i < PATCH; i++) {
    for (let j = 0; j < PATCH; j++, places += 4) {
      store<usize>(places, (firstBlockOf(accumulatorOf(i, j)) + rankOf(i, j)) << 5);
    }
  }
}

/** All input channels of a block of tiles, eight at a time. */
function panels<T>(
  params: ConvParams, tile: i32, count: i32, w: usize, dx: usize, base: usize,
): void {
  const depth = params.outChannels;
  const row = <usize>depth << 2;
  const zero = base + ZERO_AT, products = base + PRODUCTS_AT, g = base + GRADIENTS_AT;
  for (let c = 0; c < params.inChannels; c += 8, dx += 32) {
    let to = products;
    for (let q = 0; q < ACCUMULATORS; q++) {
      const gradients = gradientsOf(g, q, row);
      for (let block = blocksOf(q); block > 0; block--, to += 32, w += <usize>depth << 5) {
        product<T>(depth, count, gradients, row, w, zero, to, TILE_BYTES);
      }
    }
    for (let t = 0; t < count; t++) {
      scatter<T>(params, tile + t, products + <usize>t * TILE_BYTES, dx, base);
    }
  }
}

/** Adds one tile's products to the pixels of its patch that there are, eight channels. */
// @ts-ignore: decorator
@inline
function scatter<T>(params: ConvParams, tile: i32, m: usize, dx: usize, base: usize): void {
  const across = tilesAlong(params.outWidth), down = tilesAlong(params.outHeight);
  const line = tile / across, image = line / down;
  const x0 = (tile - line * across) * STEP - params.padLeft;
  const y0 = (line - image * down) * STEP - params.padTop;
  const pixel = <usize>params.inStride << 2, row = <usize>params.inWidth * pixel;
  const corner = dx + <usize>(image * params.inHeight) * row;
  const size: usize = sizeof<T>(), lines = base + LINES_AT;
  for (let lane: usize = 0; lane < 32; lane += size) {
    let places = base + PLACES_AT;
    for (let to = lines; to < lines + 25 * size; to += 5 * size, places += 20) {
      const d0 = load<T>(m + load<usize>(places) + lane);
      const d2 = load<T>(m + load<usize>(places, 8) + lane);
      const middle = sub<T>(sub<T>(load<T>(m + load<usize>(places, 4) + lane), d0), d2);
      store<T>(to, d0);
      store<T>(to + size, load<T>(m + load<usize>(places, 12) + lane));
      store<T>(to + 2 * size, middle);
      store<T>(to + 3 * size, load<T>(m + load<usize>(places, 16) + lane));
      store<T>(to + 4 * size, d2);
    }
    for (let j = 0; j < PATCH; j++) {
      const ix = x0 + j;
      if (<u32>ix >= <u32>params.inWidth) continue;
      const from = lines + <usize>j * size;
      column<T>(params, from, 5 * size, corner + <usize>ix * pixel + lane, y0, row);
    }
  }
}

/** One column of a patch. */
// @ts-ignore: decorator
@inline
function column<T>(
  params: ConvParams, from: usize, step: usize, to: usize, y0: i32, row: usize,
): void {
  const d0 = load<T>(from), d2 = load<T>(from + 2 * step);
  const middle = sub<T>(sub<T>(load<T>(from + step), d0), d2);
  pixelAt<T>(params, to, y0, row, d0);
  pixelAt<T>(params, to, y0 + 1, row, load<T>(from + 3 * step));
  pixelAt<T>(params, to, y0 + 2, row, middle);
  pixelAt<T>(params, to, y0 + 3, row, load<T>(from + 4 * step));
  pixelAt<T>(params, to, y0 + 4, row, d2);
}

// @ts-ignore: decorator
@inline
function pixelAt<T>(params: ConvParams, column: usize, iy: i32, row: usize, value: T): void {
  if (<u32>iy >= <u32>params.inHeight) return;
  const to = column + <usize>iy * row;
  store<T>(to, add<T>(load<T>(to), value));
}
