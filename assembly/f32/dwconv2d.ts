import { ConvParams } from '../abi';
import { endTap, firstTap } from '../lib/window';
import { fourPixels, isBanded, oneChannel, onePixel } from './depthwise';
import { correlate3x3, correlate3x3Stride2 } from './depthwise3x3';

/**
 * y[n, oy, ox, c] = bias[c] + Σ_(i, j) x[n, iy, ix, c] · w[i, j, c]      over the taps inside the image, in rising (j, i)
 *
 * x    [N, inHeight, inWidth, C] f32      pixels inStride elements apart
 * w    [Kh, Kw, C] f32
 * bias [C] f32                            or pointer 0: none
 * y    [N, outHeight, outWidth, C] f32    pixels outStride elements apart; writes C of each
 */
export function f32_dwconv2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize,
): void {
  walk(params, batch, x, w, bias, y, 0, 0);
}

export function f32_dwconv2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize,
): void {
  const body = params.outChannels & ~3;
  const banded = isBanded(params);
  if (banded) bands(params, batch, x, w, bias, y, body);
  if (!banded || body < params.outChannels) {
    walk(params, batch, x, w, bias, y, banded ? body : 0, body);
  }
}

function bands(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, body: i32,
): void {
  const pixel = <usize>params.inStride << 2;
  const outPixel = <usize>params.outStride << 2;
  const tap = <usize>params.outChannels << 2;
  const lanes = <usize>body << 2;
  if (params.strideHeight == 1) {
    correlate3x3(batch, x, pixel, params.inHeight, params.inWidth, params.padTop, params.padLeft,
      w, tap, 3 * tap, bias, y, outPixel, params.outHeight, params.outWidth, lanes);
  } else {
    correlate3x3Stride2(batch, x, pixel, params.inHeight, params.inWidth, params.padTop,
      params.padLeft, w, tap, 3 * tap, bias, y, outPixel, params.outHeight, params.outWidth, lanes);
  }
}

/** The walk over outputs: of each the channels `first` to `body` by lanes of four, and those after them one by one. */
// @ts-ignore: decorator
@inline
function walk(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize,
  first: i32, body: i32,
): void {
  const width = params.inWidth;
  const kernelWidth = params.kernelWidth;
  const outHeight = params.outHeight;
  const outWidth = params.outWidth;
  const dilationY = params.dilationHeight;
  const dilationX = params.dilationWidth;
  const pixel = <usize>params.inStride << 2;
  const outPixel = <usize>params.outStride << 2;
  const tap = <usize>params.outChannels << 2;
  const lanes = <usize>body << 2;
  const image = <usize>(params.inHeight * width) * pixel;
  const xRow = <usize>(width * dilationY) * pixel;
  const xStep = <usize>dilationX * pixel;
  const wRow = <usize>kernelWidth * tap;
  const next = <usize>params.strideWidth * pixel;
  // The last first column of a window that is inside the row.
  const lastLeft = width - 1 - (kernelWidth - 1) * dilationX;
  for (let n = 0; n < batch; n++, x += image) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const i0 = firstTap(top, dilationY);
      const rows = endTap(top, dilationY, params.inHeight, params.kernelHeight) - i0;
      const weightRow = w + <usize>(i0 * kernelWidth) * tap;
      const imageRow = x + <usize>((top + i0 * dilationY) * width) * pixel;
      for (let ox = 0; ox < outWidth; ) {
        const left = ox * params.strideWidth - params.padLeft;
        const j0 = firstTap(left, dilationX);
        const columns = endTap(left, dilationX, width, kernelWidth) - j0;
        const corner = imageRow + <usize>(left + j0 * dilationX) * pixel;
        const weights = weightRow + <usize>j0 * tap;
        const inside = columns == kernelWidth && left + 3 * params.strideWidth <= lastLeft;
        const done = inside && ox + 4 <= outWidth ? 4 : 1;
        for (let c = <usize>first << 2; c < lanes; c += 16) {
          const start = bias ? v128.load(bias + c) : f32x4.splat(0);
          const xp = corner + c;
          const wp = weights + c;
          if (done == 1) {
            v128.store(y + c, onePixel(start, rows, columns, xp, xRow, xStep, wp, wRow, tap));
          } else if (rows == 3) {
            fourPixels(y + c, outPixel, start, 3, columns, xp, xRow, xStep, next, wp, wRow, tap);
          } else {
            fourPixels(y + c, outPixel, start, rows, columns, xp, xRow, xStep, next, wp, wRow, tap);
          }
        }
        for (let o = 0, xp = corner; o < done; o++, xp += next, y += outPixel) {
          for (let c = lanes; c < tap; c += 4) {
            const start: f32 = bias ? load<f32>(bias + c) : 0;
            const wp = weights + c;
            store<f32>(y + c, oneChannel(start, rows, columns, xp + c, xRow, xStep, wp, wRow, tap));
          }
        }
        ox += done;
      }
    }
  }
}
