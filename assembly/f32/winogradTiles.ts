import { ConvParams } from '../abi';
import { inputLine, outputGradientLine, PATCH, TILE } from './winograd';

/**
 * From images to transformed tiles. Tiles are numbered over the batch, row by row of 4x4 outputs, and a tile may reach
 * past the output. Transformed tiles lie by position, so that each of the 36 is the left side of a matrix product:
 *
 *     V [36][tiles][rowBytes]      positions `positionBytes` apart, one tile's channels in a row
 */

/** Tiles along an axis of `size` outputs. */
// @ts-ignore: decorator
@inline
export function tilesAlong(size: i32): i32 {
  return (size + TILE - 1) / TILE;
}

/** Bytes of `channels` floats rounded up to four. */
// @ts-ignore: decorator
@inline
export function rowBytesOf(channels: i32): usize {
  return <usize>((channels + 3) & ~3) << 2;
}

/** Bytes of a position of V: an odd number of cache lines, so that the 36 do not fall into one set of the cache. */
// @ts-ignore: decorator
@inline
export function positionBytesOf(tiles: i32, rowBytes: usize): usize {
  return ((((<usize>tiles * rowBytes + 63) >> 6) | 1) as usize) << 6;
}

/** Images in memory, and where the patch of tile (0, 0) begins. */
@unmanaged
export class Images {
  height: i32;
  width: i32;
  channels: i32;
  /** Bytes from one pixel to the next. */
  pixel: i32;
  padTop: i32;
  padLeft: i32;
  /** Tiles down and across. */
  down: i32;
  across: i32;
}

/** Inputs of a convolution. */
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

/** Outputs of a convolution. */
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

/** Bytes that `transformTiles` needs: a patch with its channels rounded up to four, and 36 lanes. */
// @ts-ignore: decorator
@inline
export function patchBytesOf(rowBytes: usize): usize {
  return <usize>(PATCH * PATCH) * rowBytes + LANES_BYTES;
}

// @ts-ignore: decorator
@inline
const LANES_BYTES: usize = 576;

/**
 * V of tiles first … first + count − 1: Bᵀ·d·B of the 6x6 patches (extent 6), or A·dy·Aᵀ of the 4x4 tiles of outputs
 * themselves (extent 4). T is v128, four channels at a time, or f32.
 *
 * x       [N, height, width, channels] f32    read, and up to 12 bytes behind it
 * scratch patchBytesOf(rowBytes)
 * v       written; lanes past `channels` hold what never matters
 */
export function transformTiles<T>(
  images: Images, extent: i32, x: usize, first: i32, count: i32, scratch: usize, v: usize,
  rowBytes: usize, positionBytes: usize,
): void {
  const pixel: usize = images.pixel;
  const line = <usize>images.width * pixel;
  const perImage = images.down * images.across;
  const copy = scratch + LANES_BYTES;
  for (let tile = first; tile < first + count; tile++, v += rowBytes) {
    const image = tile / perImage;
    const place = tile - image * perImage;
    const ty = place / images.across;
    const y0 = ty * TILE - images.padTop;
    const x0 = (place - ty * images.across) * TILE - images.padLeft;
    const corner = x + <usize>image * <usize>images.height * line;
    const inside = y0 >= 0 && y0 + extent <= images.height && x0 >= 0 && x0 + extent <= images.width;
    if (inside) {
      const at = corner + <usize>(y0 * images.width + x0) * pixel;
      transformTile<T>(extent, images.channels, at, line, pixel, scratch, v, positionBytes, 4);
    } else {
      copyPatch(images, extent, corner, y0, x0, copy, rowBytes);
      const row = <usize>extent * rowBytes;
      transformTile<T>(extent, images.channels, copy, row, rowBytes, scratch, v, positionBytes, 4);
    }
  }
}

/** All channels of one tile. `factor` is 4: a literal would be built again at each turn. */
function transformTile<T>(
  extent: i32, channels: i32, at: usize, row: usize, pixel: usize, lanes: usize, v: usize,
  positionBytes: usize, factor: f32,
): void {
  let four: T;
  if (isVector<T>()) four = f32x4.splat(factor);
  else four = <T>factor;
  const size: usize = sizeof<T>();
  const end = v + (<usize>channels << 2);
  for (; v < end; v += size, at += size) {
    if (extent == PATCH) {
      for (let j: usize = 0; j < 6; j++) {
        inputLine<T>(at + j * pixel, row, lanes + j * size, 6 * size, four);
      }
      for (let i: usize = 0; i < 6; i++) {
        inputLine<T>(lanes + i * 6 * size, size, v + i * 6 * positionBytes, positionBytes, four);
      }
    } else {
      for (let j: usize = 0; j < 4; j++) {
        outputGradientLine<T>(at + j * pixel, row, lanes + j * size, 4 * size, four);
      }
      for (let i: usize = 0; i < 6; i++) {
        const to = v + i * 6 * positionBytes;
        outputGradientLine<T>(lanes + i * 4 * size, size, to, positionBytes, four);
      }
    }
  }
}

/** A patch that leaves the image, with zeros there. */
export function copyPatch(
  images: Images, extent: i32, image: usize, y0: i32, x0: i32, to: usize, rowBytes: usize,
): void {
  for (let iy = y0; iy < y0 + extent; iy++) {
    for (let ix = x0; ix < x0 + extent; ix++, to += rowBytes) {
      if (<u32>iy < <u32>images.height && <u32>ix < <u32>images.width) {
        const from = image + <usize>(iy * images.width + ix) * <usize>images.pixel;
        for (let c: usize = 0; c < rowBytes; c += 16) v128.store(to + c, v128.load(from + c));
      } else {
        for (let c: usize = 0; c < rowBytes; c += 16) v128.store(to + c, i32x4.splat(0));
      }
    }
  }
}
