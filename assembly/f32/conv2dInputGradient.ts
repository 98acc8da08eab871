import { ConvParams } from '../abi';
import { storeTile } from './conv2d';
import { blockRows, initOf, rowBytes, rowsOf, tileOf } from './layout';
import { isPointwise, scatter, tapsOf } from './patch';
import { tiles4x8 } from './tile';

/**
 * dpatch[p, k] = Σ_o dy[p, o] · w[o, k]      dx[iy, ix, ci] = Σ dpatch over the taps (p, k) that read it
 *
 * The adjoint of f32_conv2d in x. Sums run over rising o, then over rising p and k.
 *
 * dy [N, outHeight, outWidth, Co] f32    pixels outStride elements apart
 * w  [ceil(k/8)][Co][8] f32              from f32_pack_weights_transposed
 * dx [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart; writes Ci of each, not what lies between
 * scratch                                f32InputGradientScratchBytes(k)
 */
export function f32_conv2d_input_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const n = params.outChannels;
  const pixels = batch * params.outHeight * params.outWidth;
  const row = rowsOf(scratch);
  zeroPixels(params, batch, dx);
  for (let p = 0; p < pixels; p++, dy += <usize>params.outStride << 2) {
    for (let i = 0; i < k; i++) {
      const panel = w + (<usize>((i >> 3) * n * 8 + (i & 7)) << 2);
      let acc: f32 = 0;
      for (let o = 0; o < n; o++) {
        acc += load<f32>(dy + (<usize>o << 2)) * load<f32>(panel + (<usize>o << 5));
      }
      store<f32>(row + (<usize>i << 2), acc);
    }
    scatter(params, dx, p, 1, row);
  }
}

/** Clears dx, pixel by pixel where other data lies between the pixels. */
export function zeroPixels(params: ConvParams, batch: i32, dx: usize): void {
  const pixels = batch * params.inHeight * params.inWidth;
  const bytes = <usize>params.inChannels << 2;
  const step = <usize>params.inStride << 2;
  if (step == bytes) memory.fill(dx, 0, <usize>pixels * bytes);
  else for (let p = 0; p < pixels; p++, dx += step) memory.fill(dx, 0, bytes);
}

/** Rows of dy are the left side of the product in place; a pointwise convolution writes dx in place too. */
export function f32_conv2d_input_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, w: usize, dx: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const n = params.outChannels;
  const pixels = batch * params.outHeight * params.outWidth;
  const dyStep = <usize>params.outStride << 2;
  const dxStep = <usize>params.inStride << 2;
  const inPlace = isPointwise(params);
  const block = inPlace ? 64 : blockRows(k);
  const rows = rowsOf(scratch);
  if (!inPlace) zeroPixels(params, batch, dx);
  for (let p = 0; p < pixels; p += block) {
    const count = min(block, pixels - p);
    const a = dy + <usize>p * dyStep;
    if (inPlace) {
      panels(n, k, count, a, dyStep, w, dx + <usize>p * dxStep, dxStep, scratch);
    } else {
      // Rows of the block are padded to more than eight floats: no tile is partial.
      panels(n, (k + 7) & ~7, count, a, dyStep, w, rows, <usize>rowBytes(k), scratch);
      scatter(params, dx, p, count, rows);
    }
  }
}

function panels(
  n: i32, k: i32, count: i32, a: usize, aStep: usize, w: usize, c: usize, cStep: usize,
  scratch: usize,
): void {
  const tile = tileOf(scratch);
  const init = initOf(scratch);
  memory.fill(init, 0, 32);
  for (let i = 0; i < k; i += 8, w += <usize>n << 5, c += 32) {
    const width = min(8, k - i);
    if (width == 8) tiles4x8(n, count, a, aStep, w, init, 0, c, cStep);
    else {
      for (let r = 0; r < count; r += 4) {
        const height = min(4, count - r);
        tiles4x8(n, height, a + <usize>r * aStep, aStep, w, init, 0, tile, 32);
        storeTile(c + <usize>r * cStep, cStep, tile, height, width);
      }
    }
  }
}
