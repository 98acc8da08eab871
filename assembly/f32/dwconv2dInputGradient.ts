import { ConvParams } from '../abi';
import { fourPixels, isBanded, oneChannel, onePixel } from './depthwise';
import { correlate3x3 } from './depthwise3x3';
import { gradient3x3Stride2 } from './depthwise3x3Gradient';
import { firstReach, reachCount, reachStep } from '../lib/window';

/**
 * dx[n, iy, ix, c] = Σ_(i, j) dy[n, oy, ox, c] · w[i, j, c]      over the outputs whose tap (i, j) is this pixel
 *
 * The adjoint of f32_dwconv2d in x, gathered per input pixel over rising (ox, oy).
 *
 * dy [N, outHeight, outWidth, C] f32    pixels outStride elements apart
 * w  [Kh, Kw, C] f32
 * dx [N, inHeight, inWidth, C] f32      pixels inStride elements apart; writes C of each
 */
export function f32_dwconv2d_input_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize,
): void {
  walk(params, batch, dy, w, dx, 0, 0);
}

export function f32_dwconv2d_input_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize,
): void {
  const body = params.outChannels & ~3;
  const banded = isBanded(params);
  if (banded) bands(params, batch, dy, w, dx, body);
  if (!banded || body < params.outChannels) {
    walk(params, batch, dy, w, dx, banded ? body : 0, body);
  }
}

/** At stride 1 the forward sum of dy with the kernel turned by half a turn and the paddings that make up for it. */
function bands(params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, body: i32): void {
  const from = <usize>params.outStride << 2;
  const to = <usize>params.inStride << 2;
  const tap = <usize>params.outChannels << 2;
  const lanes = <usize>body << 2;
  if (params.strideHeight == 1) {
    correlate3x3(batch, dy, from, params.outHeight, params.outWidth,
      2 - params.padTop, 2 - params.padLeft, w + 8 * tap, -tap, -(3 * tap), 0,
      dx, to, params.inHeight, params.inWidth, lanes);
  } else {
    gradient3x3Stride2(batch, dy, from, params.outHeight, params.outWidth,
      params.padTop, params.padLeft, w, tap, dx, to, params.inHeight, params.inWidth, lanes);
  }
}

/**
 * The walk over input pixels: of each the channels `first` to `body` by lanes of four, and those after them one by one.
 * Pixels strideWidth apart meet the same taps, in neighbouring outputs, so a row is walked phase by phase.
 */
// @ts-ignore: decorator
@inline
function walk(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, first: i32, body: i32,
): void {
  const inWidth = params.inWidth;
  const outWidth = params.outWidth;
  const kernelWidth = params.kernelWidth;
  const strideY = params.strideHeight;
  const strideX = params.strideWidth;
  const dilationY = params.dilationHeight;
  const dilationX = params.dilationWidth;
  const stepY = reachStep(strideY, dilationY);
  const stepX = reachStep(strideX, dilationX);
  const inPixel = <usize>params.inStride << 2;
  const pixel = <usize>params.outStride << 2;
  const tap = <usize>params.outChannels << 2;
  const lanes = <usize>body << 2;
  const image = <usize>(params.outHeight * outWidth) * pixel;
  const next = <usize>strideX * inPixel;
  const zero = f32x4.splat(0);
  // From the last tap to the first, dy moves on and w moves back.
  const spanY = (dilationY * stepY) / strideY;
  const spanX = (dilationX * stepX) / strideX;
  const dyRow = <usize>(spanY * outWidth) * pixel;
  const dyStep = <usize>spanX * pixel;
  const wRow = -(<usize>(stepY * kernelWidth) * tap);
  const wStep = -(<usize>stepX * tap);
  for (let n = 0; n < batch; n++, dy += image) {
    for (let iy = 0; iy < params.inHeight; iy++, dx += <usize>inWidth * inPixel) {
      const py = iy + params.padTop;
      const i0 = firstReach(py, strideY, dilationY, params.outHeight, params.kernelHeight);
      const rows = reachCount(py, dilationY, params.kernelHeight, i0, stepY);
      const oy = (py - i0 * dilationY) / strideY - (rows - 1) * spanY;
      const i1 = i0 + (rows - 1) * stepY;
      for (let phase = 0; phase < min(strideX, inWidth); phase++) {
        let target = dx + <usize>phase * inPixel;
        for (let ix = phase; ix < inWidth; ) {
          const px = ix + params.padLeft;
          const j0 = firstReach(px, strideX, dilationX, outWidth, kernelWidth);
          const columns = reachCount(px, dilationX, kernelWidth, j0, stepX);
          const last = px + 3 * strideX;
          // If the first and the fourth pixel have the same taps, so have the two between.
          const same =
            columns > 0 && ix + 3 * strideX < inWidth &&
            firstReach(last, strideX, dilationX, outWidth, kernelWidth) == j0 &&
            reachCount(last, dilationX, kernelWidth, j0, stepX) == columns;
          const done = same ? 4 : 1;
          const ox = (px - j0 * dilationX) / strideX - (columns - 1) * spanX;
          const j1 = j0 + (columns - 1) * stepX;
          const corner = dy + <usize>(oy * outWidth + ox) * pixel;
          const weights = w + <usize>(i1 * kernelWidth + j1) * tap;
          for (let c = <usize>first << 2; c < lanes; c += 16) {
            const y = target + c;
            const g = corner + c;
            const q = weights + c;
            if (!same) {
              v128.store(y, onePixel(zero, rows, columns, g, dyRow, dyStep, q, wRow, wStep));
            } else if (rows == 3) {
              fourPixels(y, next, zero, 3, columns, g, dyRow, dyStep, pixel, q, wRow, wStep);
            } else {
              fourPixels(y, next, zero, rows, columns, g, dyRow, dyStep, pixel, q, wRow, wStep);
            }
          }
          for (let o = 0, g = corner; o < done; o++, g += pixel, target += next) {
            for (let c = lanes; c < tap; c += 4) {
              const q = weights + c;
              const sum = oneChannel(0, rows, columns, g + c, dyRow, dyStep, q, wRow, wStep);
              store<f32>(target + c, sum);
            }
          }
          ix += done * strideX;
        }
      }
    }
  }
}
