import { ConvParams } from '../abi';
import { addBand, bandRows } from './depthwise3x3WeightGradient';

/**
 * dw[i, j, c] += Σ_(n, oy, ox) dy[n, oy, ox, c] · x[n, iy, ix, c]      over the taps inside the image
 *
 * The adjoint of f32_dwconv2d in w. Bands of bandRows output rows are summed from 0, for each column over its rows and
 * then over rising ox, and then added to dw, in rising (n, oy): the error is at most
 * (outWidth + N·outHeight)·2⁻²⁴·Σ|term|.
 *
 * dy [N, outHeight, outWidth, C] f32    pixels outStride elements apart
 * x  [N, inHeight, inWidth, C] f32      pixels inStride elements apart
 * dw [Kh, Kw, C] f32                    added to
 *
 * Scratch, f32DepthwiseGradientScratchBytes(C): the sums of a band.
 */
export function f32_dwconv2d_weight_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  walk(params, batch, dy, x, dw, scratch, 0);
}

export function f32_dwconv2d_weight_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  const lanes = params.outChannels & ~3;
  memory.fill(scratch, 0, 36 * lanes);
  walk(params, batch, dy, x, dw, scratch, lanes);
}

/** The walk over bands, `body` channels by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function walk(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize, body: i32,
): void {
  const row = <usize>(params.outWidth * params.outStride) << 2;
  const image = <usize>(params.inHeight * params.inWidth * params.inStride) << 2;
  for (let n = 0; n < batch; n++, x += image) {
    for (let oy = 0; oy < params.outHeight; ) {
      const rows = bandRows(params, oy);
      let done = 0;
      if (body && rows > 1) {
        addBand(params, oy, rows, dy, x, dw, scratch, <usize>body << 2);
        done = body;
      }
      if (done < params.outChannels) addRows(params, oy, rows, dy, x, dw, done, body);
      oy += rows;
      dy += <usize>rows * row;
    }
  }
}

/**
 * dw += the sums over `rows` rows of dy: the channels `start` to `body` by lanes of four, of one row alone, and those
 * after them one by one.
 */
// @ts-ignore: decorator
@inline
function addRows(
  params: ConvParams, oy: i32, rows: i32, dy: usize, x: usize, dw: usize, start: i32, body: i32,
): void {
  const width = params.inWidth;
  const stride = params.strideWidth;
  const tap = <usize>params.outChannels << 2;
  const dyStep = <usize>params.outStride << 2;
  const dyRow = <usize>params.outWidth * dyStep;
  const pixel = <usize>params.inStride << 2;
  const xStep = <usize>stride * pixel;
  const xRow = <usize>(params.strideHeight * width) * pixel;
  const lanes = <usize>body << 2;
  for (let i = 0; i < params.kernelHeight; i++) {
    // The rows whose tap i is inside the image.
    let iy = oy * params.strideHeight - params.padTop + i * params.dilationHeight;
    let count = rows;
    let g0 = dy;
    for (; iy < 0 && count > 0; iy += params.strideHeight, g0 += dyRow) count--;
    while (count > 0 && iy + (count - 1) * params.strideHeight >= params.inHeight) count--;
    if (count == 0) continue;
    for (let j = 0; j < params.kernelWidth; j++) {
      // The outputs whose tap j is inside the row.
      const left = j * params.dilationWidth - params.padLeft;
      const from = left >= 0 ? 0 : (stride - 1 - left) / stride;
      const to = left >= width ? 0 : min(params.outWidth, (width - 1 - left) / stride + 1);
      if (from >= to) continue;
      const target = dw + <usize>(i * params.kernelWidth + j) * tap;
      const source = x + <usize>(iy * width + left + from * stride) * pixel;
      const first = g0 + <usize>from * dyStep;
      const stop = g0 + <usize>to * dyStep;
      let c = <usize>start << 2;
      for (; c + 64 <= lanes; c += 64) {
        sixteen(target + c, source + c, xStep, first + c, stop + c, dyStep);
      }
      for (; c < lanes; c += 16) four(target + c, source + c, xStep, first + c, stop + c, dyStep);
      for (; c < tap; c += 4) {
        one(target + c, source + c, xStep, xRow, first + c, stop + c, dyStep, dyRow, count);
      }
    }
  }
}

/** dw[c] += Σ over the columns of Σ over `rows` rows of dy[c] · x[c], one channel. */
// @ts-ignore: decorator
@inline
function one(
  dw: usize, x: usize, xStep: usize, xRow: usize,
  dy: usize, stop: usize, dyStep: usize, dyRow: usize, rows: i32,
): void {
  let acc: f32 = 0;
  for (; dy < stop; dy += dyStep, x += xStep) {
    let column: f32 = 0;
    for (let r = 0, g = dy, p = x; r < rows; r++, g += dyRow, p += xRow) {
      column += load<f32>(g) * load<f32>(p);
    }
    acc += column;
  }
  store<f32>(dw, load<f32>(dw) + acc);
}

/** dw[c] += Σ dy[c] · x[c] over a row, sixteen channels: a single sum would wait for its own latency. */
// @ts-ignore: decorator
@inline
function sixteen(dw: usize, x: usize, xStep: usize, dy: usize, stop: usize, dyStep: usize): void {
  let acc0 = f32x4.splat(0);
  let acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; dy < stop; dy += dyStep, x += xStep) {
    acc0 = f32x4.add(acc0, f32x4.mul(v128.load(dy), v128.load(x)));
    acc1 = f32x4.add(acc1, f32x4.mul(v128.load(dy, 16), v128.load(x, 16)));
    acc2 = f32x4.add(acc2, f32x4.mul(v128.load(dy, 32), v128.load(x, 32)));
    acc3 = f32x4.add(acc3, f32x4.mul(v128.load(dy, 48), v128.load(x, 48)));
  }
  v128.store(dw, f32x4.add(v128.load(dw), acc0));
  v128.store(dw, f32x4.add(v128.load(dw, 16), acc1), 16);
  v128.store(dw, f32x4.add(v128.load(dw, 32), acc2), 32);
  v128.store(dw, f32x4.add(v128.load(dw, 48), acc3), 48);
}

// @ts-ignore: decorator
@inline
function four(dw: usize, x: usize, xStep: usize, dy: usize, stop: usize, dyStep: usize): void {
  let acc = f32x4.splat(0);
  for (; dy < stop; dy += dyStep, x += xStep) {
    acc = f32x4.add(acc, f32x4.mul(v128.load(dy), v128.load(x)));
  }
  v128.store(dw, f32x4.add(v128.load(dw), acc));
}
