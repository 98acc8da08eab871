import { ConvParams } from '../abi';
import { storeFloats } from '../lib/lanes';
import { blockRows, initOf, rowBytes, rowsOf, tileOf } from './layout';
import { gather, isPointwise, tapsOf } from './patch';
import { tiles4x8 } from './tile';

/**
 * y[p, o] = bias[o] + Σ_k patch[p, k] · w[o, k]      k rising over (ky, kx, ci); patches read 0 outside the image
 *
 * x    [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * w    [ceil(Co/8)][k][8] f32              from f32_pack_weights
 * bias [Co] f32                            or pointer 0: none
 * y    [N, outHeight, outWidth, Co] f32    pixels outStride elements apart; writes Co of each
 * scratch                                  f32Conv2dScratchBytes(k)
 */
export function f32_conv2d__scalar(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const pixels = batch * params.outHeight * params.outWidth;
  const row = rowsOf(scratch);
  for (let p = 0; p < pixels; p++) {
    gather(params, x, p, 1, row);
    for (let o = 0; o < params.outChannels; o++) {
      const panel = w + (<usize>((o >> 3) * k * 8 + (o & 7)) << 2);
      let acc: f32 = bias ? load<f32>(bias + (<usize>o << 2)) : 0;
      for (let i = 0; i < k; i++) {
        acc += load<f32>(row + (<usize>i << 2)) * load<f32>(panel + (<usize>i << 5));
      }
      store<f32>(y + (<usize>(p * params.outStride + o) << 2), acc);
    }
  }
}

/**
 * A block of patches is gathered; then each panel of weights, which fits L1 or streams from L2, passes over all
 * groups of four rows of the block. Patches of a pointwise convolution are read in place.
 */
export function f32_conv2d__simd128(
  params: ConvParams, batch: i32, x: usize, w: usize, bias: usize, y: usize, scratch: usize,
): void {
  const k = tapsOf(params);
  const pixels = batch * params.outHeight * params.outWidth;
  const inPlace = isPointwise(params);
  const block = inPlace ? 64 : blockRows(k);
  const step = inPlace ? <usize>params.inStride << 2 : <usize>rowBytes(k);
  const rows = rowsOf(scratch);
  for (let p = 0; p < pixels; p += block) {
    const count = min(block, pixels - p);
    const a = inPlace ? x + <usize>p * step : rows;
    if (!inPlace) gather(params, x, p, count, rows);
    const target = y + (<usize>(p * params.outStride) << 2);
    panels(params, k, count, a, step, w, bias, target, scratch);
  }
}

/** All output channels of one block. */
function panels(
  params: ConvParams, k: i32, count: i32, a: usize, step: usize, w: usize, bias: usize, y: usize,
  scratch: usize,
): void {
  const n = params.outChannels;
  const yStep = <usize>params.outStride << 2;
  const panel = <usize>k << 5;
  const tile = tileOf(scratch);
  const init = initOf(scratch);
  memory.fill(init, 0, 32);
  for (let o = 0; o < n; o += 8, w += panel, y += 32) {
    const width = min(8, n - o);
    const start = bias ? bias + (<usize>o << 2) : init;
    if (width == 8) tiles4x8(k, count, a, step, w, start, 0, y, yStep);
    else {
      if (bias) memory.copy(init, start, <usize>width << 2);
      for (let r = 0; r < count; r += 4) {
        const height = min(4, count - r);
        tiles4x8(k, height, a + <usize>r * step, step, w, init, 0, tile, 32);
        storeTile(y + <usize>r * yStep, yStep, tile, height, width);
      }
    }
  }
}

/** The first `width` of eight columns of a tile. */
// @ts-ignore: decorator
@inline
export function storeTile(y: usize, yStep: usize, tile: usize, height: i32, width: i32): void {
  for (let r = 0; r < height; r++, y += yStep, tile += 32) {
    storeFloats(y, v128.load(tile), v128.load(tile, 16), width);
  }
}
