import { ConvParams } from '../abi';
import { endTap, firstTap } from '../lib/window';

/**
 * y[n, oy, ox, c] = bias[c] + Σ_(i, j) x[n, iy, ix, c] · w[i, j, c]      over the taps inside the image, in order
 *
 * x    [N, inHeight, inWidth, C] f32      pixels inStride elements apart
 * w    [Kh, Kw, C] f32
 * bias [C] f32                            or pointer 0: none
 * y    [N, outHeight, outWidth, C] f32    pixels outStride elements apart; writes C of each
 */
export function f32_dwconv2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize,
): void {
  walk(params, batch, x, w, bias, y, 0);
}

export function f32_dwconv2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize,
): void {
  walk(params, batch, x, w, bias, y, params.outChannels & ~3);
}

/** The walk over outputs, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function walk(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, body: i32,
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
  for (let n = 0; n < batch; n++, x += image) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const i0 = firstTap(top, dilationY);
      const rows = endTap(top, dilationY, params.inHeight, params.kernelHeight) - i0;
      for (let ox = 0; ox < outWidth; ox++, y += outPixel) {
        const left = ox * params.strideWidth - params.padLeft;
        const j0 = firstTap(left, dilationX);
        const columns = endTap(left, dilationX, width, kernelWidth) - j0;
        const iy = top + i0 * dilationY;
        const corner = x + <usize>(iy * width + left + j0 * dilationX) * pixel;
        const weights = w + <usize>(i0 * kernelWidth + j0) * tap;
        for (let c: usize = 0; c < lanes; c += 16) {
          let acc = bias ? v128.load(bias + c) : f32x4.splat(0);
          let xp = corner + c;
          let wp = weights + c;
          for (let i = 0; i < rows; i++, xp += xRow, wp += wRow) {
            let xq = xp;
            let wq = wp;
            for (let j = 0; j < columns; j++, xq += xStep, wq += tap) {
              acc = f32x4.add(acc, f32x4.mul(v128.load(xq), v128.load(wq)));
            }
          }
          v128.store(y + c, acc);
        }
        for (let c = lanes; c < tap; c += 4) {
          let acc: f32 = bias ? load<f32>(bias + c) : 0;
          let xp = corner + c;
          let wp = weights + c;
          for (let i = 0; i < rows; i++, xp += xRow, wp += wRow) {
            let xq = xp;
            let wq = wp;
            for (let j = 0; j < columns; j++, xq += xStep, wq += tap) {
              acc += load<f32>(xq) * load<f32>(wq);
            }
          }
          store<f32>(y + c, acc);
        }
      }
    }
  }
}
