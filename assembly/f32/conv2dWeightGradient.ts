import { ConvParams } from '../abi';
import { GRADIENT_PIXELS, rowBytes, rowsOf, tileOf } from './layout';
import { gather, isPointwise, tapsOf } from './patch';
import { outerTile3x8, outerTile4x8 } from './tile';

/** Floats of a patch row that pass over all output channels together. Longer runs of dw prefetch better. */
// @ts-ignore: decorator
@inline
const STRIP: i32 = 512;

/** Taps from which on a panel that is half empty counts for little. */
// @ts-ignore: decorator
@inline
const MOST_TURNED: i32 = 128;

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
  // Where a panel of eight taps would be half empty, tiles are four taps wide.
  const turned = !inPlace && k < MOST_TURNED && <u32>((k & 7) - 1) < 4 && !(params.outChannels & 7);
  for (let p = 0; p < pixels; p += GRADIENT_PIXELS) {
    const count = min(GRADIENT_PIXELS, pixels - p);
    const b = inPlace ? x + <usize>p * step : rows;
    if (!inPlace) gather(params, x, p, count, rows);
    if (turned) turnedStrip(params.outChannels, k, count, dy, dyStep, rows, step, dw, tileOf(scratch));
    else for (let i = 0; i < k; i += STRIP) {
      const width = min(STRIP, k - i);
      const from = b + (<usize>i << 2);
      const target = dw + (<usize>i << 2);
      strip(params.outChannels, k, width, count, dy, dyStep, from, step, target, tileOf(scratch));
    }
    dy += <usize>count * dyStep;
  }
}

/** All output channels, eight of them and three or four taps at a time: n is a multiple of 8. */
function turnedStrip(
  n: i32, k: i32, count: i32, dy: usize, dyStep: usize, rows: usize, step: usize, dw: usize,
  tile: usize,
): void {
  const dwStep = <usize>k << 2;
  const taps = k < 16 && k % 3 == 0 ? 3 : 4;
  for (let o = 0; o < n; o += 8, dy += 32, dw += 8 * dwStep) {
    for (let i = 0; i < k; i += taps) {
      const at = <usize>i << 2;
      if (taps == 3) {
        outerTile3x8(count, rows + at, step, dy, dyStep, tile, 32);
        addColumns(dw + at, dwStep, tile, 3);
        continue;
      }
      clearTile(tile);
      outerTile4x8(count, rows + at, step, dy, dyStep, tile, 32);
      if (k - i < 4) addColumns(dw + at, dwStep, tile, k - i);
      else {
        addTurned(dw + at, dwStep, tile);
        addTurned(dw + at + 4 * dwStep, dwStep, tile + 16);
      }
    }
  }
}

/** In stores: to fill so few bytes leaves wasm. */
// @ts-ignore: decorator
@inline
function clearTile(tile: usize): void {
  for (const end = tile + 128; tile < end; tile += 32) {
    v128.store(tile, f32x4.splat(0));
    v128.store(tile, f32x4.splat(0), 16);
  }
}

/** Adds four columns of a tile to four rows of dw. */
// @ts-ignore: decorator
@inline
function addTurned(dw: usize, dwStep: usize, tile: usize): void {
  const a = v128.load(tile), b = v128.load(tile, 32);
  const c = v128.load(tile, 64), d = v128.load(tile, 96);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5), cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7), cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  addFour(dw, i64x2.shuffle(ab0, cd0, 0, 2));
  addFour(dw + dwStep, i64x2.shuffle(ab0, cd0, 1, 3));
  addFour(dw + 2 * dwStep, i64x2.shuffle(ab1, cd1, 0, 2));
  addFour(dw + 3 * dwStep, i64x2.shuffle(ab1, cd1, 1, 3));
}

// @ts-ignore: decorator
@inline
function addFour(to: usize, values: v128): void {
  v128.store(to, f32x4.add(v128.load(to), values));
}

/** Adds the first `width` rows of a tile to as many columns of eight rows of dw. */
// @ts-ignore: decorator
@inline
function addColumns(dw: usize, dwStep: usize, tile: usize, width: i32): void {
  for (let o = 0; o < 8; o++, dw += dwStep, tile += 4) {
    for (let j: usize = 0; j < <usize>width; j++) {
      const at = dw + (j << 2);
      store<f32>(at, load<f32>(at) + load<f32>(tile + (j << 5)));
    }
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
        clearTile(tile);
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
