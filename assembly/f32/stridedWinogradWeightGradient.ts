import { ConvParams } from '../abi';
import {
  accumulatorOf, ACCUMULATORS, add, BLOCKS, blocksOf, firstBlockOf, rankOf,
} from './stridedWinograd';
import {
  gradientBytes, gradientsOf, inputBytes, inputImages, inputsOf, outputImages, TILES,
  transformBytes, transformGradients, transformInputs,
} from './stridedWinogradTiles';
import { outerTile4x8 } from './tile';
import { Images } from './winogradTiles';

/** Scratch, from its first multiple of 64: | Images of x 64 | of dy 64 | transform | V | G | S | */
// @ts-ignore: decorator
@inline const TRANSFORM_AT: usize = 128;

/**
 * dw[o, i, j, c] += Σ_p dy[p, o] · x[…]      as f32_conv2d_weight_gradient, for windows of 3x3, stride 2, dilation 1
 *
 * S = Σ G ⊗ V over the tiles for each of the 25 blocks, 64 tiles summed from 0 and added in rising order; then in either
 * direction dw0 += S0 + S1, dw1 += S3 + S4, dw2 += S1 + S2. Ci and Co are multiples of 8.
 *
 * dy [N, outHeight, outWidth, Co] f32    pixels outStride elements apart
 * x  [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * dw [Co, 3, 3, Ci] f32                  added to
 * scratch                                f32StridedWinogradWeightGradientScratchBytes(Co, Ci)
 */
export function f32_strided_winograd2d_weight_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  weightGradient<v128>(params, batch, dy, x, dw, scratch);
}

export function f32_strided_winograd2d_weight_gradient__scalar(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  weightGradient<f32>(params, batch, dy, x, dw, scratch);
}

// @ts-ignore: decorator
@inline
function weightGradient<T>(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  const base = (scratch + 63) & ~63;
  const inputs = changetype<Images>(base), outputs = changetype<Images>(base + 64);
  inputImages(params, inputs);
  outputImages(params, outputs);
  const row = <usize>params.inChannels << 2, gradientRow = <usize>params.outChannels << 2;
  const transform = base + TRANSFORM_AT;
  const v = transform + transformBytes(max(row, gradientRow));
  const g = v + inputBytes(row);
  const s = g + gradientBytes(gradientRow);
  memory.fill(s, 0, <usize>(BLOCKS * params.outChannels) * row);
  const tiles = batch * inputs.down * inputs.across;
  for (let tile = 0; tile < tiles; tile += TILES) {
    const count = min(TILES, tiles - tile);
    transformInputs<T>(inputs, x, tile, count, transform, v, row);
    transformGradients<T>(outputs, dy, tile, count, transform, g, gradientRow);
    for (let q = 0; q < ACCUMULATORS; q++) {
      const a = gradientsOf(g, q, gradientRow), b = inputsOf(v, q, row);
      outerProduct<T>(params, count, a, gradientRow, b, <usize>blocksOf(q) * row, sumsOf(params, s, q));
    }
  }
  emit<T>(params, s, dw);
}

/** S of accumulator q: [Co][blocks][Ci]. */
// @ts-ignore: decorator
@inline
function sumsOf(params: ConvParams, s: usize, q: i32): usize {
  return s + <usize>(firstBlockOf(q) * params.outChannels * params.inChannels) * 4;
}

/** s[o, k] += Σ_t a[t, o] · b[t, k]; rows of s have the bytes of those of b. */
// @ts-ignore: decorator
@inline
function outerProduct<T>(
  params: ConvParams, count: i32, a: usize, aRow: usize, b: usize, bRow: usize, s: usize,
): void {
  for (let o: i32 = 0; o < params.outChannels; o += isVector<T>() ? 4 : 1) {
    const from = a + (<usize>o << 2), to = s + <usize>o * bRow;
    if (isVector<T>()) {
      for (let k: usize = 0; k < bRow; k += 32) {
        outerTile4x8(count, from, aRow, b + k, bRow, to + k, bRow);
      }
    } else {
      for (let k: usize = 0; k < bRow; k += 4) {
        let sum: f32 = 0;
        for (let t: usize = 0; t < <usize>count; t++) {
          sum += load<f32>(from + t * aRow) * load<f32>(b + t * bRow + k);
        }
        store<f32>(to + k, load<f32>(to + k) + sum);
      }
    }
  }
}

/** dw += S of the four products that each weight is in. */
// @ts-ignore: decorator
@inline
function emit<T>(params: ConvParams, s: usize, dw: usize): void {
  const row = <usize>params.inChannels << 2;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++, dw += row) {
      const p = firstOf(i), r = firstOf(j);
      tap<T>(
        params, productAt(params, s, p, r), productAt(params, s, p + 1, r),
        productAt(params, s, p, r + 1), productAt(params, s, p + 1, r + 1), dw,
      );
    }
  }
}

/** The products of a line that weight i is in: 0 and 1, 3 and 4, 1 and 2. */
// @ts-ignore: decorator
@inline
function firstOf(i: i32): i32 {
  return i == 1 ? 3 : i >> 1;
}

/** Where product (i, j) begins, and bytes from one output channel to the next in the upper half. */
// @ts-ignore: decorator
@inline
function productAt(params: ConvParams, s: usize, i: i32, j: i32): u64 {
  const q = accumulatorOf(i, j), row = <usize>params.inChannels << 2;
  const at = sumsOf(params, s, q) + <usize>rankOf(i, j) * row;
  return <u64>at | (<u64>(<usize>blocksOf(q) * row) << 32);
}

/** One weight of all windows: the sum of four products, a, b above each other and c, d beside them. */
function tap<T>(params: ConvParams, a: u64, b: u64, c: u64, d: u64, dw: usize): void {
  const row = <usize>params.inChannels << 2;
  for (let o = 0; o < params.outChannels; o++, dw += 9 * row) {
    const step = <u64>o;
    const at = <usize>a + <usize>(step * (a >> 32)), below = <usize>b + <usize>(step * (b >> 32));
    const beside = <usize>c + <usize>(step * (c >> 32)), last = <usize>d + <usize>(step * (d >> 32));
    for (let i: usize = 0; i < row; i += sizeof<T>()) {
      const left = add<T>(load<T>(at + i), load<T>(below + i));
      const right = add<T>(load<T>(beside + i), load<T>(last + i));
      store<T>(dw + i, add<T>(load<T>(dw + i), add<T>(left, right)));
    }
  }
}
