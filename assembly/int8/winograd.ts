import { ConvParams } from '../abi';
import { roundToRange, scaleAcc, writeRoundingLanes } from '../lib/requantize';
import { patchBytes, transformTiles } from './winogradInput';
import { emit } from './winogradOutput';

/**
 * Convolution 3x3 with stride 1 and dilation 1, the same integers as qs8_conv2d, with 16 products for 2x2 outputs in
 * place of 36 (Lavin and Gray 2015, F(2x2, 3x3), in integers):
 *
 *     V = Bᵀ·d·B    d: the 4x4 patch of x − inZeroPoint that a tile of 2x2 outputs sees      |V| ≤ 4 · 255
 *     M = Σ_c U[n, ·, ·, c] ∘ V[·, ·, c]           U from qs8_pack_winograd_weights          |U| ≤ 9 · 255
 *     4·acc = Aᵀ·M·A                               mod 2³²
 *
 * x  [batch, H, W, Ci] i8     w  packed by qs8_pack_winograd_weights(n = outChannels, Ci)
 * y  [batch, outHeight, outWidth, outChannels] i8; of qs8_f32_winograd2d u in f32, as qs8_f32_conv2d gives it
 *
 * Requires |acc + bias| < 2²⁹ for every possible x: then 4·(acc + bias) says what acc + bias is.
 * Computes the rows of tiles first … first + count − 1 of the batch: row r is output rows 2·(r mod T) and one more of
 * image r div T, T = ceil(outHeight/2). x, w and y point to the whole tensors.
 *
 * A block of tiles is transformed to A-panels [16][Ci/2][tiles][2] i16; then for each panel of 8 outputs 16 matrix
 * products fill M [tiles][16][8] i32, which stays in L1, and the tiles are requantized from there.
 *
 * Reads 15 bytes past x, writes outChannels elements a pixel. Scratch, winogradScratchBytes(Ci):
 *
 *     rounding lanes 96 | starts 64 | M 512 a tile | patch | A-panels
 */
export function qs8_winograd2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  winograd2d(params, first, count, x, w, y, scratch, false);
}

export function qs8_f32_winograd2d__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  winograd2d(params, first, count, x, w, y, scratch, true);
}

// @ts-ignore: decorator
@inline
function winograd2d(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
  real: bool,
): void {
  const pairs = ((params.inChannels + 7) >> 3) << 2;
  const block = tilesOfBlock(params.inChannels);
  // Room for the lanes past the end that transformTiles writes.
  const stride: usize = (block + 4) << 2;
  const across = (params.outWidth + 1) >> 1;
  const products = scratch + PRODUCTS_AT;
  const patch = products + (block << 9);
  const panels = patch + patchBytes(params.inChannels);
  writeRoundingLanes(scratch, params.outZeroPoint, params.qmin, params.qmax);
  v128.store(scratch, i32x4.splat(0), STARTS_AT);
  v128.store(scratch, i32x4.splat(0), STARTS_AT + 16);
  const end = (first + count) * across;
  for (let tile = first * across; tile < end; tile += block) {
    const tiles = min(block, end - tile);
    transformTiles(params, x, tile, tiles, patch, panels, pairs, stride);
    let panel = w;
    for (let n = 0; n < params.outChannels; n += 8) {
      const bias = params.bias + (n << 2);
      v128.store(scratch, i32x4.shl(v128.load(bias), 2), STARTS_AT + 32);
      v128.store(scratch, i32x4.shl(v128.load(bias, 16), 2), STARTS_AT + 48);
      multiply(panels, panel, pairs, stride, tiles, products, scratch + STARTS_AT);
      emit(params, scratch, products, tile, tiles, n, y, real);
      panel += pairs << 9;
    }
  }
}

/** i32 [2][8]: where sums begin, 0 and 4·bias. */
// @ts-ignore: decorator
@inline const STARTS_AT: usize = 96;
// @ts-ignore: decorator
@inline const PRODUCTS_AT: usize = 160;

/**
 * Tiles that are transformed together: A-panels of all positions up to some 128 KiB (twice as much was slower), but at
 * least 16 tiles, so that weights from the third cache are used four times.
 */
// @ts-ignore: decorator
@inline
function tilesOfBlock(inChannels: i32): i32 {
  return max(16, min(32, (4096 / ((inChannels + 7) & ~7)) & ~3));
}

/** M of all positions and tiles for one panel of weights. The middle position begins with 4·bias: each output has it once. */
function multiply(
  a: usize, w: usize, pairs: i32, stride: usize, tiles: i32, to: usize, starts: usize,
): void {
  const wBytes: usize = pairs << 5;
  for (let q = 0; q < 16; q++) {
    const start = q == 5 ? starts + 32 : starts;
    for (let t = 0; t < tiles; t += 4) {
      multiplyFour(a + (t << 2), stride, w, wBytes, to + (t << 9), start);
    }
    a += <usize>pairs * stride;
    w += wBytes;
    to += 32;
  }
}

/** 4 tiles × 8 outputs of one position. */
// @ts-ignore: decorator
@inline
function multiplyFour(
  a: usize, stride: usize, w: usize, wBytes: usize, to: usize, start: usize,
): void {
  let acc00 = v128.load(start), acc01 = v128.load(start, 16);
  let acc10 = acc00, acc11 = acc01, acc20 = acc00, acc21 = acc01, acc30 = acc00, acc31 = acc01;
  const end = w + wBytes;
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a0 = v128.load32_splat(a);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(a0, w0));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(a0, w1));
    const a1 = v128.load32_splat(a, 4);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(a1, w0));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(a1, w1));
    const a2 = v128.load32_splat(a, 8);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(a2, w0));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(a2, w1));
    const a3 = v128.load32_splat(a, 12);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(a3, w0));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(a3, w1));
    a += stride;
    w += 32;
  } while (w < end);
  v128.store(to, acc00);
  v128.store(to, acc01, 16);
  v128.store(to, acc10, 512);
  v128.store(to, acc11, 528);
  v128.store(to, acc20, 1024);
  v128.store(to, acc21, 1040);
  v128.store(to, acc30, 1536);
  v128.store(to, acc31, 1552);
}

export function qs8_winograd2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  winograd2dPlain(params, first, count, x, w, y, false);
}

export function qs8_f32_winograd2d__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  winograd2dPlain(params, first, count, x, w, y, true);
}

function winograd2dPlain(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, real: bool,
): void {
  const down = (params.outHeight + 1) >> 1;
  const imageBytes = params.inHeight * params.inWidth * params.inStride;
  for (let line = first; line < first + count; line++) {
    const image = line / down, top = (line % down) << 1;
    for (let oy = top; oy < min(top + 2, params.outHeight); oy++) {
      for (let ox = 0; ox < params.outWidth; ox++) {
        const p = (image * params.outHeight + oy) * params.outWidth + ox;
        for (let n = 0; n < params.outChannels; n++) {
          const at: usize = n << 2;
          const start = load<i32>(<usize>params.bias + at) << 2;
          const sum = outputPlain(params, x + image * imageBytes, w, oy, ox, n);
          const u = scaleAcc((sum + start) >> 2, 0, load<f32>(<usize>params.multiplier + at),
            load<f32>(<usize>params.addend + at));
          const to = p * params.outStride + n;
          if (real) store<f32>(y + (to << 2), u);
          else store<i8>(y + to, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
        }
      }
    }
  }
}

/** 4·acc of one output: (Aᵀ·M·A) at its place in its tile. */
function outputPlain(params: ConvParams, x: usize, w: usize, oy: i32, ox: i32, n: i32): i32 {
  const pairs = ((params.inChannels + 7) >> 3) << 2;
  const panel = w + (n >> 3) * (pairs << 9) + ((n & 7) << 2);
  let sum = 0;
  for (let q = 0; q < 16; q++) {
    const sign = outputFactor(oy & 1, q >> 2) * outputFactor(ox & 1, q & 3);
    if (sign == 0) continue;
    for (let c = 0; c < params.inChannels; c++) {
      const u = <i32>load<i16>(panel + ((q * pairs + (c >> 1)) << 5) + ((c & 1) << 1));
      sum += sign * u * inputPlain(params, x, oy & ~1, ox & ~1, q, c);
    }
  }
  return sum;
}

/** V at position q of the tile whose first output is (oy, ox). */
function inputPlain(params: ConvParams, x: usize, oy: i32, ox: i32, q: i32, c: i32): i32 {
  let v = 0;
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const iy = oy - params.padTop + i, ix = ox - params.padLeft + j;
      if (<u32>iy >= <u32>params.inHeight || <u32>ix >= <u32>params.inWidth) continue;
      const value = <i32>load<i8>(x + (iy * params.inWidth + ix) * params.inStride + c);
      v += inputFactor(q >> 2, i) * inputFactor(q & 3, j) * (value - params.inZeroPoint);
    }
  }
  return v;
}

/** Aᵀ = | 1 1 1 0 | 0 1 −1 −1 | */
function outputFactor(row: i32, column: i32): i32 {
  if (row == 0) return column < 3 ? 1 : 0;
  return column == 0 ? 0 : column == 1 ? 1 : -1;
}

/** Bᵀ = | 1 0 −1 0 | 0 1 1 0 | 0 −1 1 0 | 0 1 0 −1 | */
function inputFactor(row: i32, column: i32): i32 {
  if (row == 0) return column == 0 ? 1 : column == 2 ? -1 : 0;
  if (row == 3) return column == 1 ? 1 : column == 3 ? -1 : 0;
  return column == 2 ? 1 : column != 1 ? 0 : row == 1 ? 1 : -1;
}
