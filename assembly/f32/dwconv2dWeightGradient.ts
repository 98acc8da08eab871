import { ConvParams } from '../abi';

/**
 * dw[i, j, c] += Σ_(n, oy, ox) dy[n, oy, ox, c] · x[n, iy, ix, c]      over the taps inside the image
 *
 * The adjoint of f32_dwconv2d in w. Each output row is summed from 0 over rising ox and then added to dw, in rising
 * (n, oy): the error is at most (outWidth + N·outHeight)·2⁻²⁴·Σ|term|.
 *
 * dy [N, outHeight, outWidth, C] f32    pixels outStride elements apart
 * x  [N, inHeight, inWidth, C] f32      pixels inStride elements apart
 * dw [Kh, Kw, C] f32                    added to
 */
export function f32_dwconv2d_weight_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize,
): void {
  walk(params, batch, dy, x, dw, 0);
}

export function f32_dwconv2d_weight_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize,
): void {
  walk(params, batch, dy, x, dw, params.outChannels & ~3);
}

/** The walk over output rows, `body` channels by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function walk(params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, body: i32): void {
  const width = params.inWidth;
  const outWidth = params.outWidth;
  const kernelWidth = params.kernelWidth;
  const pixel = <usize>params.inStride << 2;
  const dyStep = <usize>params.outStride << 2;
  const tap = <usize>params.outChannels << 2;
  const lanes = <usize>body << 2;
  const image = <usize>(params.inHeight * width) * pixel;
  const xStep = <usize>params.strideWidth * pixel;
  for (let n = 0; n < batch; n++, x += image) {
    for (let oy = 0; oy < params.outHeight; oy++, dy += <usize>outWidth * dyStep) {
      let target = dw;
      let iy = oy * params.strideHeight - params.padTop;
      for (let i = 0; i < params.kernelHeight; i++, iy += params.dilationHeight) {
        if (<u32>iy >= <u32>params.inHeight) {
          target += <usize>kernelWidth * tap;
          continue;
        }
        for (let j = 0; j < kernelWidth; j++, target += tap) {
          // The outputs whose tap j is inside the row.
          const left = j * params.dilationWidth - params.padLeft;
          const from = left >= 0 ? 0 : (params.strideWidth - 1 - left) / params.strideWidth;
          const to = left >= width ? 0 : min(outWidth, (width - 1 - left) / params.strideWidth + 1);
          if (from >= to) continue;
          const source = x + <usize>(iy * width + left + from * params.strideWidth) * pixel;
          const first = dy + <usize>from * dyStep;
          const stop = dy + <usize>to * dyStep;
          let c: usize = 0;
          for (; c + 64 <= lanes; c += 64) {
            sixteen(target + c, source + c, xStep, first + c, stop + c, dyStep);
          }
          for (; c < lanes; c += 16) {
            four(target + c, source + c, xStep, first + c, stop + c, dyStep);
          }
          for (let c = lanes; c < tap; c += 4) {
            let acc: f32 = 0;
            let p = source + c;
            for (let g = first + c; g < stop + c; g += dyStep, p += xStep) {
              acc += load<f32>(g) * load<f32>(p);
            }
            store<f32>(target + c, load<f32>(target + c) + acc);
          }
        }
      }
    }
  }
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
