import { ConvParams } from '../abi';
import { GRADIENT_PIXELS, rowBytes, rowsOf, tileOf } from './layout';
import { gather, isPointwise, tapsOf } from './patch';
import { outerTile4x8 } from './tile';

/** Floats of a patch row that pass over all output channels together. Longer runs of dw prefetch better. */
// @ts-ignore: decorator
@inline
const STRIP: i32 = 512;

/**
 * dw[o, k] += Σ_p dy[p, o] · patch[p, k]
 *
 * The adjoint of f32_conv2d in w. Blocks of 64 pixels are summed from 0, then added to dw in rising order.
 *
 * dy [N, outHeight, outWidth, Co] f32    pixels outStride elements apart
 * x  [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * dw [Co, k] f32                         added to
 * scratch                                f32WeightGradientScratchBytes(k)
 */
export function f32_conv2d_weight_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const n = params.outChannels;
  const pixels = batch * params.outHeight * params.outWidth;
  const step = <usize>rowBytes(k);
  const dyStep = <usize>params.outStride << 2;
  const rows = rowsOf(scratch);
  for (let p = 0; p < pixels; p += GRADIENT_PIXELS) {
    const count = min(GRADIENT_PIXELS, pixels - p);
    gather(params, x, p, count, rows);
    for (let o = 0; o < n; o++) {
      for (let i = 0; i < k; i++) {
        let acc: f32 = 0;
        for (let r = 0; r < count; r++) {
          const g = load<f32>(dy + <usize>r * dyStep + (<usize>o << 2));
          acc += g * load<f32>(rows + <usize>r * step + (<usize>i << 2));
        }
        const target = dw + (<usize>(o * k + i) << 2);
        store<f32>(target, load<f32>(target) + acc);
      }
    }
    dy += <usize>count * dyStep;
  }
}

export function f32_conv2d_weight_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const pixels = batch * params.outHeight * params.outWidth;
  const dyStep = <usize>params.outStride << 2;
  // A last panel of fewer than four floats would read too far behind x.
  const inPlace = isPointwise(params) && ((k & 7) == 0 || (k & 7) >= 4);
  const step = inPlace ? <usize>params.inStride << 2 : <usize>rowBytes(k);
  const rows = rowsOf(scratch);
  for (let p = 0; p < pixels; p += GRADIENT_PIXELS) {
    const count = min(GRADIENT_PIXELS, pixels - p);
    const b = inPlace ? x + <usize>p * step : rows;
    if (!inPlace) gather(params, x, p, count, rows);
    for (let i = 0; i < k; i += STRIP) {
      const width = min(STRIP, k - i);
      const from = b + (<usize>i << 2);
      const target = dw + (<usize>i << 2);
      strip(params.outChannels, k, width, count, dy, dyStep, from, step, target, tileOf(scratch));
    }
    dy += <usize>count * dyStep;
  }
}

/** All output channels of `width` columns of a block. */
function strip(
  n: i32, k: i32, width: i32, count: i32, dy: usize, dyStep: usize, b: usize, bStep: usize,
  dw: usize, tile: usize,
): void {
  const dwStep = <usize>k << 2;
  for (let o = 0; o < n; o += 4, dy += 16, dw += 4 * dwStep) {
    const height = min(4, n - o);
    for (let i = 0; i < width; i += 8) {
      const from = b + (<usize>i << 2);
      const target = dw + (<usize>i << 2);
      if (height == 4 && width - i >= 8) {
        outerTile4x8(count, dy, dyStep, from, bStep, target, dwStep);
      } else {
        memory.fill(tile, 0, 128);
        outerTile4x8(count, dy, dyStep, from, bStep, tile, 32);
        addTile(target, dwStep, tile, height, min(8, width - i));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addTile(dw: usize, dwStep: usize, tile: usize, height: i32, width: i32): void {
  for (let r = 0; r < height; r++, dw += dwStep, tile += 32) {
    for (let j: usize = 0; j < <usize>width << 2; j += 4) {
      store<f32>(dw + j, load<f32>(dw + j) + load<f32>(tile + j));
    }
  }
}
