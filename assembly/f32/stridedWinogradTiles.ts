import { ConvParams } from '../abi';
import { tiles4x8 } from './tile';
import { copyPatch, Images } from './winogradTiles';
import {
  accumulatorOf, ACCUMULATORS, BLOCKS, blocksOf, firstBlockOf, inputLine, outputGradientLine,
  PATCH, rankOf, STEP, sub, SUMS, TILE,
} from './stridedWinograd';

/**
 * From images to transformed tiles of `stridedWinograd.ts`, a block of tiles at a time, by accumulator:
 *
 *     V [9][tiles][blocks of the accumulator][Ci]      G [9][tiles][Co]
 *
 * Accumulators are an odd number of cache lines further apart than that, so that they do not fall into one set.
 */

/** Tiles that are transformed together. `src/core/f32Layout.ts` has the twin. */
// @ts-ignore: decorator
@inline export const TILES: i32 = 64;

// @ts-ignore: decorator
@inline const APART: usize = 192;

/** Tiles along an axis of `size` outputs. */
// @ts-ignore: decorator
@inline
export function tilesAlong(size: i32): i32 {
  return (size + TILE - 1) / TILE;
}

export function inputImages(params: ConvParams, images: Images): void {
  images.height = params.inHeight;
  images.width = params.inWidth;
  images.channels = params.inChannels;
  images.pixel = params.inStride << 2;
  images.padTop = params.padTop;
  images.padLeft = params.padLeft;
  images.down = tilesAlong(params.outHeight);
  images.across = tilesAlong(params.outWidth);
}

export function outputImages(params: ConvParams, images: Images): void {
  images.height = params.outHeight;
  images.width = params.outWidth;
  images.channels = params.outChannels;
  images.pixel = params.outStride << 2;
  images.padTop = 0;
  images.padLeft = 0;
  images.down = tilesAlong(params.outHeight);
  images.across = tilesAlong(params.outWidth);
}

/** Where accumulator q of V begins. */
// @ts-ignore: decorator
@inline
export function inputsOf(v: usize, q: i32, rowBytes: usize): usize {
  return v + <usize>(firstBlockOf(q) * TILES) * rowBytes + <usize>q * APART;
}

/** Where accumulator q of G begins. */
// @ts-ignore: decorator
@inline
export function gradientsOf(g: usize, q: i32, rowBytes: usize): usize {
  return g + <usize>q * (<usize>TILES * rowBytes + APART);
}

// @ts-ignore: decorator
@inline
export function inputBytes(rowBytes: usize): usize {
  return <usize>(BLOCKS * TILES) * rowBytes + <usize>ACCUMULATORS * APART;
}

// @ts-ignore: decorator
@inline
export function gradientBytes(rowBytes: usize): usize {
  return <usize>ACCUMULATORS * (<usize>TILES * rowBytes + APART);
}

/** Of `transformInputs` and `transformGradients`: places, lanes, a patch. */
// @ts-ignore: decorator
@inline
export function transformBytes(rowBytes: usize): usize {
  return LANES_AT + 448 + <usize>BLOCKS * rowBytes;
}

// @ts-ignore: decorator
@inline const LANES_AT: usize = 256;

/** The upper left corner of a tile's patch. */
// @ts-ignore: decorator
@inline
function patchOf<T>(
  images: Images, extent: i32, step: i32, x: usize, tile: i32, copy: usize, rowBytes: usize,
): usize {
  const perImage = images.down * images.across;
  const image = tile / perImage, place = tile - image * perImage;
  const ty = place / images.across;
  const y0 = ty * step - images.padTop, x0 = (place - ty * images.across) * step - images.padLeft;
  const pixel: usize = images.pixel, line = <usize>images.width * pixel;
  const corner = x + <usize>image * <usize>images.height * line;
  const inside = y0 >= 0 && y0 + extent <= images.height && x0 >= 0 && x0 + extent <= images.width;
  if (inside) return corner + <usize>(y0 * images.width + x0) * pixel;
  copyPatch(images, extent, corner, y0, x0, copy, rowBytes);
  return copy;
}

/**
 * V of tiles first … first + count − 1 of x [N, height, width, Ci] f32.
 *
 * scratch  transformBytes(rowBytes)
 */
export function transformInputs<T>(
  images: Images, x: usize, first: i32, count: i32, scratch: usize, v: usize, rowBytes: usize,
): void {
  const lanes = scratch + LANES_AT, copy = lanes + 448;
  for (let i = 0; i < PATCH; i++) {
    for (let j = 0; j < PATCH; j++) {
      const q = accumulatorOf(i, j);
      const place = scratch + <usize>((i * PATCH + j) << 3);
      store<usize>(place, inputsOf(v, q, rowBytes) + <usize>rankOf(i, j) * rowBytes);
      store<usize>(place, <usize>blocksOf(q) * rowBytes, 4);
    }
  }
  for (let tile = first; tile < first + count; tile++) {
    const at = patchOf<T>(images, PATCH, STEP, x, tile, copy, rowBytes);
    const pixel: usize = at == copy ? rowBytes : images.pixel;
    const row: usize = at == copy ? <usize>PATCH * rowBytes : <usize>images.width * pixel;
    transformInput<T>(at, row, pixel, lanes, scratch, rowBytes);
    for (let place = scratch; place < scratch + 8 * <usize>BLOCKS; place += 8) {
      store<usize>(place, load<usize>(place) + load<usize>(place, 4));
    }
  }
}

/** All channels of one tile, each product to its place. */
function transformInput<T>(
  at: usize, row: usize, pixel: usize, lanes: usize, places: usize, bytes: usize,
): void {
  const size: usize = sizeof<T>();
  for (let c: usize = 0; c < bytes; c += size, at += size) {
    for (let j: usize = 0; j < 5; j++) {
      inputLine<T>(at + j * pixel, row, lanes + j * size, 5 * size);
    }
    let from = lanes;
    for (let place = places; place < places + 200; place += 40, from += 5 * size) {
      const d2 = load<T>(from + 2 * size);
      store<T>(load<usize>(place) + c, sub<T>(load<T>(from), d2));
      store<T>(load<usize>(place, 8) + c, d2);
      store<T>(load<usize>(place, 16) + c, sub<T>(load<T>(from + 4 * size), d2));
      store<T>(load<usize>(place, 24) + c, load<T>(from + size));
      store<T>(load<usize>(place, 32) + c, load<T>(from + 3 * size));
    }
  }
}

/**
 * G of tiles first … first + count − 1: the gradients of the accumulators from dy [N, height, width, Co] f32.
 *
 * scratch  transformBytes(rowBytes)
 */
export function transformGradients<T>(
  images: Images, dy: usize, first: i32, count: i32, scratch: usize, g: usize, rowBytes: usize,
): void {
  const lanes = scratch + LANES_AT, copy = lanes + 448;
  const size: usize = sizeof<T>();
  const position = gradientsOf(0, 1, rowBytes);
  for (let tile = first; tile < first + count; tile++, g += rowBytes) {
    let at = patchOf<T>(images, TILE, TILE, dy, tile, copy, rowBytes);
    const pixel: usize = at == copy ? rowBytes : images.pixel;
    const row: usize = at == copy ? <usize>TILE * rowBytes : <usize>images.width * pixel;
    for (let c: usize = 0; c < rowBytes; c += size, at += size) {
      for (let j: usize = 0; j < 2; j++) {
        outputGradientLine<T>(at + j * pixel, row, lanes + j * size, 2 * size);
      }
      for (let a: usize = 0; a < <usize>SUMS; a++) {
        const to = g + c + a * 3 * position;
        outputGradientLine<T>(lanes + a * 2 * size, size, to, position);
      }
    }
  }
}

/** c[r][j] = Σ_i a[r][i] · b[i][j], j < 8, rows of c cStep bytes apart; zero is f32 [8] of zeros. */
// @ts-ignore: decorator
@inline
export function product<T>(
  depth: i32, rows: i32, a: usize, aStep: usize, b: usize, zero: usize, c: usize, cStep: usize,
): void {
  if (isVector<T>()) tiles4x8(depth, rows, a, aStep, b, zero, 0, c, cStep);
  else {
    for (let r = 0; r < rows; r++, a += aStep, c += cStep) {
      for (let j: usize = 0; j < 32; j += 4) {
        let sum: f32 = 0;
        for (let i: usize = 0; i < <usize>depth; i++) {
          sum += load<f32>(a + (i << 2)) * load<f32>(b + (i << 5) + j);
        }
        store<f32>(c + j, sum);
      }
    }
  }
}
