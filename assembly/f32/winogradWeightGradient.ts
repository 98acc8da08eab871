import { ConvParams } from '../abi';
import { outerTile4x8 } from './tile';
import { PATCH, POSITIONS, TILE, weightGradientLine } from './winograd';
import {
  Images, inputImages, outputImages, patchBytesOf, positionBytesOf, rowBytesOf, transformTiles,
} from './winogradTiles';

/** Tiles that are summed in registers. `src/core/f32Layout.ts` has the twin. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 32;

/**
 * Scratch, from its first multiple of 64, c = Ci rounded up to 8, n = Co rounded up to 4:
 * | Images of x 64 | of dy 64 | lines 512 | patch of c or n | V of x | V of dy | M [36][n][c] f32 |
 */
// @ts-ignore: decorator
@inline const LINES_AT: usize = 128;
// @ts-ignore: decorator
@inline const PATCH_AT: usize = 640;

/**
 * dw[o, i, j, c] += Σ_p dy[p, o] · x[…]      as f32_conv2d_weight_gradient, for windows of 3x3, stride and dilation 1
 *
 * M = Σ (A·dy·Aᵀ) ∘ (Bᵀ·d·B) over the tiles, blocks of 32 summed from 0 and added in rising order; dw += Gᵀ·M·G.
 *
 * dy [N, outHeight, outWidth, Co] f32    pixels outStride elements apart
 * x  [N, inHeight, inWidth, Ci] f32      pixels inStride elements apart
 * dw [Co, 3, 3, Ci] f32                  added to
 * scratch                                f32WinogradGradientScratchBytes(Co, Ci)
 */
export function f32_winograd2d_weight_gradient__simd128(
  params: ConvParams, batch: i32, dy: usize, x: usize, dw: usize, scratch: usize,
): void {
  weightGradient<v128>(params, batch, dy, x, dw, scratch);
}

export function f32_winograd2d_weight_gradient__scalar(
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
  const row = rowBytesOf((params.inChannels + 7) & ~7), gradientRow = rowBytesOf(params.outChannels);
  const position = positionBytesOf(BLOCK, row);
  const gradientPosition = positionBytesOf(BLOCK, gradientRow);
  const patch = base + PATCH_AT;
  const v = patch + patchBytesOf(max(row, gradientRow));
  const dv = v + <usize>POSITIONS * position;
  const m = dv + <usize>POSITIONS * gradientPosition;
  const sums = (gradientRow >> 2) * row;
  memory.fill(m, 0, <usize>POSITIONS * sums);
  const tiles = batch * inputs.down * inputs.across;
  for (let tile = 0; tile < tiles; tile += BLOCK) {
    const count = min(BLOCK, tiles - tile);
    transformTiles<T>(inputs, PATCH, x, tile, count, patch, v, row, position);
    transformTiles<T>(outputs, TILE, dy, tile, count, patch, dv, gradientRow, gradientPosition);
    for (let q: usize = 0; q < 36; q++) {
      const a = dv + q * gradientPosition, b = v + q * position;
      outerProduct<T>(params, count, a, gradientRow, b, row, m + q * sums);
    }
  }
  emit<T>(params, m, sums, row, base + LINES_AT, dw);
}

/** m[o, c] += Σ_t a[t, o] · b[t, c]; rows of m have the bytes of those of b. */
// @ts-ignore: decorator
@inline
function outerProduct<T>(
  params: ConvParams, count: i32, a: usize, aRow: usize, b: usize, bRow: usize, m: usize,
): void {
  for (let o: i32 = 0; o < params.outChannels; o += isVector<T>() ? 4 : 1) {
    const from = a + (<usize>o << 2), to = m + <usize>o * bRow;
    if (isVector<T>()) {
      for (let c: usize = 0; c < bRow; c += 32) {
        outerTile4x8(count, from, aRow, b + c, bRow, to + c, bRow);
      }
    } else {
      for (let c: usize = 0; c < <usize>params.inChannels << 2; c += 4) {
        let sum: f32 = 0;
        for (let t: usize = 0; t < <usize>count; t++) {
          sum += load<f32>(from + t * aRow) * load<f32>(b + t * bRow + c);
        }
        store<f32>(to + c, load<f32>(to + c) + sum);
      }
    }
  }
}

/** dw += Gᵀ·M·G, positions `sums` bytes apart. */
// @ts-ignore: decorator
@inline
function emit<T>(
  params: ConvParams, m: usize, sums: usize, row: usize, lines: usize, dw: usize,
): void {
  const size: usize = sizeof<T>();
  const depth = <usize>params.inChannels << 2;
  for (let o = 0; o < params.outChannels; o++, m += row, dw += 9 * depth) {
    for (let c: usize = 0; c < depth; c += size) {
      for (let i: usize = 0; i < 6; i++) {
        weightGradientLine<T>(m + c + i * 6 * sums, sums, lines + i * 3 * size, size);
      }
      for (let j: usize = 0; j < 3; j++) {
        weightGradientLine<T>(lines + j * size, 3 * size, lines + (18 + j) * size, 3 * size);
      }
      for (let tap: usize = 0; tap < 9; tap++) {
        addTo<T>(dw + tap * depth + c, lines + (18 + tap) * size, depth - c);
      }
    }
  }
}

/** One element or lane of four, of which the first `bytes` count. */
// @ts-ignore: decorator
@inline
function addTo<T>(to: usize, from: usize, bytes: usize): void {
  if (isVector<T>()) {
    if (bytes >= 16) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      return;
    }
  }
  const end = isVector<T>() ? bytes : sizeof<f32>();
  for (let j: usize = 0; j < end; j += 4) store<f32>(to + j, load<f32>(to + j) + load<f32>(from + j));
}
