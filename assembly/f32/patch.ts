import { ConvParams } from '../abi';
import { endTap, firstTap } from '../lib/window';
import { rowBytes } from './layout';

/**
 * Patch matrices: row p holds the Kh·Kw·Ci values that output pixel p sees, zeros for taps outside the image; rows
 * are `rowBytes(k)` apart. Pixels are numbered over the batch: p = (n·outHeight + oy)·outWidth + ox.
 */

/** A convolution whose patches are the pixels of x themselves. */
// @ts-ignore: decorator
@inline
export function isPointwise(params: ConvParams): bool {
  return (
    params.kernelHeight == 1 && params.kernelWidth == 1 &&
    params.strideHeight == 1 && params.strideWidth == 1 &&
    params.padTop == 0 && params.padLeft == 0 &&
    params.outHeight == params.inHeight && params.outWidth == params.inWidth
  );
}

/** Kh·Kw·Ci */
// @ts-ignore: decorator
@inline
export function tapsOf(params: ConvParams): i32 {
  return params.kernelHeight * params.kernelWidth * params.inChannels;
}

/** Writes the patches of pixels `first` … `first + count − 1`, and up to 12 bytes behind the last value of each. */
export function gather(params: ConvParams, x: usize, first: i32, count: i32, rows: usize): void {
  const outWidth = params.outWidth;
  const outHeight = params.outHeight;
  const height = params.inHeight;
  const width = params.inWidth;
  const kernelHeight = params.kernelHeight;
  const kernelWidth = params.kernelWidth;
  const dilationY = params.dilationHeight;
  const dilation = params.dilationWidth;
  const strideY = params.strideHeight;
  const strideX = params.strideWidth;
  const padTop = params.padTop;
  const padLeft = params.padLeft;
  const pixel = <usize>params.inStride << 2;
  const taps = <usize>params.inChannels << 2;
  const image = <usize>(height * width) * pixel;
  const step = <usize>rowBytes(tapsOf(params));
  const run = dilation == 1 && pixel == taps;
  const runBytes = <usize>kernelWidth * taps;
  const imageRow = <usize>(dilationY * width) * pixel;
  const insideY = height - (kernelHeight - 1) * dilationY;
  // Outputs of a row whose kernel rows are whole, each one run of memory.
  const firstX = (padLeft + strideX - 1) / strideX;
  const endX = run ? min(outWidth, max(0, width - kernelWidth + padLeft + strideX) / strideX) : 0;
  let ox = first % outWidth;
  let oy = (first / outWidth) % outHeight;
  x += <usize>(first / outWidth / outHeight) * image;
  while (count > 0) {
    const left = ox * strideX - padLeft;
    let iy = oy * strideY - padTop;
    let done = 1;
    if (ox >= firstX && ox < endX && iy >= 0 && iy < insideY) {
      // Inside the image, where most pixels are.
      done = min(count, endX - ox);
      let source = x + <usize>(iy * width + left) * pixel, row = rows;
      for (let i = 0; i < kernelHeight; i++, source += imageRow, row += runBytes) {
        copyRuns(done, row, step, source, <usize>strideX * pixel, runBytes);
      }
    } else {
      let row = rows;
      const from = firstTap(left, dilation);
      const to = max(from, endTap(left, dilation, width, kernelWidth));
      for (let i = 0; i < kernelHeight; i++, iy += dilationY) {
        if (<u32>iy >= <u32>height || from >= kernelWidth) {
          row = clear(row, runBytes);
          continue;
        }
        let source = x + <usize>(iy * width + left + from * dilation) * pixel;
        if (from > 0) row = clear(row, <usize>from * taps);
        if (run) row = copy(row, source, <usize>(to - from) * taps);
        else {
          for (let j = from; j < to; j++, source += <usize>dilation * pixel) {
            row = copy(row, source, taps);
          }
        }
        if (to < kernelWidth) row = clear(row, <usize>(kernelWidth - to) * taps);
      }
    }
    count -= done;
    rows += <usize>done * step;
    ox += done;
    if (ox == outWidth) {
      ox = 0;
      if (++oy == outHeight) {
        oy = 0;
        x += image;
      }
    }
  }
}

/** Kernel row i of `count` patches. Short runs, which are those of images of few channels, take no loop. */
function copyRuns(
  count: i32, to: usize, toStep: usize, from: usize, fromStep: usize, bytes: usize,
): void {
  if (bytes <= 16) {
    for (; count > 0; count--, to += toStep, from += fromStep) v128.store(to, v128.load(from));
  } else if (bytes <= 48 && bytes > 32) {
    for (; count > 0; count--, to += toStep, from += fromStep) {
      const a = v128.load(from), b = v128.load(from, 16), c = v128.load(from, 32);
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
    }
  } else {
    for (; count > 0; count--, to += toStep, from += fromStep) copy(to, from, bytes);
  }
}

/** Copies by lanes of four, up to 12 bytes too many: what comes next in the row overwrites them. */
// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
  return end;
}

// @ts-ignore: decorator
@inline
function clear(to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to < end; to += 16) v128.store(to, i32x4.splat(0));
  return end;
}

/** The adjoint of `gather`: adds each row into dx, pixels and taps in rising order, and drops taps outside. */
export function scatter(params: ConvParams, dx: usize, first: i32, count: i32, rows: usize): void {
  const outWidth = params.outWidth;
  const outHeight = params.outHeight;
  const width = params.inWidth;
  const kernelWidth = params.kernelWidth;
  const dilation = params.dilationWidth;
  const pixel = <usize>params.inStride << 2;
  const taps = <usize>params.inChannels << 2;
  const image = <usize>(params.inHeight * width) * pixel;
  const step = <usize>rowBytes(tapsOf(params));
  const run = dilation == 1 && pixel == taps;
  let ox = first % outWidth;
  let oy = (first / outWidth) % outHeight;
  dx += <usize>(first / outWidth / outHeight) * image;
  for (let p = 0; p < count; p++, rows += step) {
    const left = ox * params.strideWidth - params.padLeft;
    const from = firstTap(left, dilation);
    const to = max(from, endTap(left, dilation, width, kernelWidth));
    let iy = oy * params.strideHeight - params.padTop;
    let row = rows + <usize>from * taps;
    for (let i = 0; i < params.kernelHeight; i++) {
      if (<u32>iy < <u32>params.inHeight && from < to) {
        let target = dx + <usize>(iy * width + left + from * dilation) * pixel;
        if (run) add(target, row, <usize>(to - from) * taps);
        else {
          for (let j = 0; j < to - from; j++, target += <usize>dilation * pixel) {
            add(target, row + <usize>j * taps, taps);
          }
        }
      }
      iy += params.dilationHeight;
      row += <usize>kernelWidth * taps;
    }
    if (++ox == outWidth) {
      ox = 0;
      if (++oy == outHeight) {
        oy = 0;
        dx += image;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function add(to: usize, from: usize, bytes: usize): void {
  const end = to + bytes;
  for (const body = to + (bytes & ~15); to < body; to += 16, from += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  }
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
