import { ConvParams } from '../abi';
import { firstReach, reachCount, reachStep } from '../lib/window';

/**
 * dx[n, iy, ix, c] = Σ_(i, j) dy[n, oy, ox, c] · w[i, j, c]      over the outputs whose tap (i, j) is this pixel
 *
 * The adjoint of f32_dwconv2d in x, gathered per input pixel over rising (i, j).
 *
 * dy [N, outHeight, outWidth, C] f32    pixels outStride elements apart
 * w  [Kh, Kw, C] f32
 * dx [N, inHeight, inWidth, C] f32      pixels inStride elements apart; writes C of each
 */
export function f32_dwconv2d_input_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize,
): void {
  walk(params, batch, dy, w, dx, 0);
}

export function f32_dwconv2d_input_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize,
): void {
  walk(params, batch, dy, w, dx, params.outChannels & ~3);
}

/** The walk over input pixels, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function walk(params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, body: i32): void {
  const inHeight = params.inHeight;
  const inWidth = params.inWidth;
  const outWidth = params.outWidth;
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
  // From one tap to the next, dy moves back and w moves on.
  const dyRow = <usize>((dilationY * stepY) / strideY * outWidth) * pixel;
  const dyStep = <usize>((dilationX * stepX) / strideX) * pixel;
  const wRow = <usize>(stepY * params.kernelWidth) * tap;
  const wStep = <usize>stepX * tap;
  for (let n = 0; n < batch; n++, dy += image) {
    for (let iy = 0; iy < inHeight; iy++) {
      const py = iy + params.padTop;
      const i0 = firstReach(py, strideY, dilationY, params.outHeight, params.kernelHeight);
      const rows = reachCount(py, dilationY, params.kernelHeight, i0, stepY);
      const oy = (py - i0 * dilationY) / strideY;
      for (let ix = 0; ix < inWidth; ix++, dx += inPixel) {
        const px = ix + params.padLeft;
        const j0 = firstReach(px, strideX, dilationX, outWidth, params.kernelWidth);
        const columns = reachCount(px, dilationX, params.kernelWidth, j0, stepX);
        const ox = (px - j0 * dilationX) / strideX;
        const corner = dy + <usize>(oy * outWidth + ox) * pixel;
        const weights = w + <usize>(i0 * params.kernelWidth + j0) * tap;
        for (let c: usize = 0; c < lanes; c += 16) {
          let acc = f32x4.splat(0);
          let g = corner + c;
          let wp = weights + c;
          for (let i = 0; i < rows; i++, g -= dyRow, wp += wRow) {
            let h = g;
            let wq = wp;
            for (let j = 0; j < columns; j++, h -= dyStep, wq += wStep) {
              acc = f32x4.add(acc, f32x4.mul(v128.load(h), v128.load(wq)));
            }
          }
          v128.store(dx + c, acc);
        }
        for (let c = lanes; c < tap; c += 4) {
          let acc: f32 = 0;
          let g = corner + c;
          let wp = weights + c;
          for (let i = 0; i < rows; i++, g -= dyRow, wp += wRow) {
            let h = g;
            let wq = wp;
            for (let j = 0; j < columns; j++, h -= dyStep, wq += wStep) {
              acc += load<f32>(h) * load<f32>(wq);
            }
          }
          store<f32>(dx + c, acc);
        }
      }
    }
  }
}
