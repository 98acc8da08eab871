/**
 * Sizes in bytes of what the f32 convolution kernels keep in memory that TypeScript owns. Twin of
 * `assembly/f32/layout.ts`. Every size holds the slack that a kernel may read or write past the data.
 *
 * n outChannels, k = kernelHeight · kernelWidth · inChannels.
 */

const ALIGN = 64;
const SLACK = 64;
/** One 4x8 tile and the start values of a tile. */
const TILE = 192;

/** Pixels that the weight gradient sums in registers. */
export const F32_GRADIENT_PIXELS = 64;

/** One row of a patch matrix: an odd number of cache lines, so that a column does not hit one cache set. */
function rowBytes(k: number): number {
  return (Math.ceil((k * 4) / ALIGN) | 1) * ALIGN;
}

/** Rows of the patch matrix that the forward and the input gradient hold at once: about 256 KB, 16 to 64 rows. */
function blockRows(k: number): number {
  return Math.max(16, Math.min(64, Math.floor(262144 / rowBytes(k)) & ~3));
}

/** `f32_pack_weights`: [ceil(n/8)][k][8] f32. */
export function packedF32Bytes(n: number, k: number): number {
  return Math.ceil(n / 8) * k * 32 + SLACK;
}

/** `f32_pack_weights_transposed`: [ceil(k/8)][n][8] f32. */
export function packedTransposedF32Bytes(n: number, k: number): number {
  return Math.ceil(k / 8) * n * 32 + SLACK;
}

/** `f32_conv2d`: one tile, then a block of patches. */
export function f32Conv2dScratchBytes(k: number): number {
  return ALIGN + TILE + blockRows(k) * rowBytes(k) + SLACK;
}

/** `f32_conv2d_input_gradient`: one tile, then a block of patch gradients. */
export function f32InputGradientScratchBytes(k: number): number {
  return ALIGN + TILE + blockRows(k) * rowBytes(k) + SLACK;
}

/** `f32_conv2d_weight_gradient`: one tile, then a block of patches. */
export function f32WeightGradientScratchBytes(k: number): number {
  return ALIGN + TILE + F32_GRADIENT_PIXELS * rowBytes(k) + SLACK;
}

/** `f32_dwconv2d_weight_gradient`: nine sums for each channel, `assembly/f32/depthwise3x3WeightGradient.ts`. */
export function f32DepthwiseGradientScratchBytes(channels: number): number {
  return 36 * channels;
}

/** `f32_dense`: one tile, then the sums of sixteen outputs of each row, rows rounded up to eight. */
export function f32DenseScratchBytes(rows: number): number {
  return ALIGN + TILE + Math.ceil(rows / 8) * 512 + SLACK;
}

/** `f32_dense_input_gradient`: one tile, then 32 columns of w. */
export function f32DenseInputGradientScratchBytes(n: number): number {
  return ALIGN + TILE + n * 128 + SLACK;
}

/** `f32_dense_weight_gradient`: one tile, then eight columns of dy. */
export function f32DenseWeightGradientScratchBytes(rows: number): number {
  return ALIGN + TILE + rows * 32 + SLACK;
}

/** Products of a transformed tile: F(4x4, 3x3). */
const POSITIONS = 36;
/** A vector for each product, while a tile is transformed. */
const LINES = 576;

/** `f32_pack_winograd_weights`: [panels][36][depth][8] f32. */
export function winogradWeightsBytes(panels: number, depth: number): number {
  return panels * POSITIONS * depth * 32 + SLACK;
}

/** A row of channels rounded up to four, in `assembly/f32/winogradTiles.ts`. */
function winogradRow(channels: number): number {
  return Math.ceil(channels / 4) * 16;
}

/** V of a block of tiles. */
function transformedBytes(tiles: number, row: number): number {
  return POSITIONS * rowBytes((tiles * row) / 4);
}

/** Tiles that `f32_winograd2d` transforms together. */
const WINOGRAD_BLOCK = 16;

/** `f32_winograd2d`: lines and a tile, products of eight channels, transformed patches, a patch. */
export function f32WinogradScratchBytes(inChannels: number): number {
  const row = winogradRow(inChannels);
  const products = WINOGRAD_BLOCK * POSITIONS * 32;
  const patch = LINES + POSITIONS * row;
  return ALIGN + 1024 + products + transformedBytes(WINOGRAD_BLOCK, row) + patch + SLACK;
}

/** Tiles that the weight gradient sums in registers. */
export const F32_WINOGRAD_GRADIENT_TILES = 32;

/** `f32_winograd2d_weight_gradient`: lines, a patch, both transformed operands, and the sums of their products. */
export function f32WinogradGradientScratchBytes(outChannels: number, inChannels: number): number {
  const [row, gradient] = [winogradRow(Math.ceil(inChannels / 8) * 8), winogradRow(outChannels)];
  const patch = LINES + POSITIONS * Math.max(row, gradient);
  const tiles = F32_WINOGRAD_GRADIENT_TILES;
  const operands = transformedBytes(tiles, row) + transformedBytes(tiles, gradient);
  return ALIGN + 640 + patch + operands + (POSITIONS * gradient * row) / 4 + SLACK;
}

/** Tiles of `assembly/f32/stridedWinogradTiles.ts` that are transformed together. */
export const F32_STRIDED_WINOGRAD_TILES = 64;
const STRIDED_BLOCKS = 25;
const STRIDED_ACCUMULATORS = 9;
/** What accumulators of transformed tiles are further apart than their rows need. */
const APART = 192;

/** `f32_pack_strided_winograd_weights`: [panels][25][depth][8] f32. */
export function stridedWinogradWeightsBytes(panels: number, depth: number): number {
  return panels * STRIDED_BLOCKS * depth * 32 + SLACK;
}

const stridedInputBytes = (channels: number) =>
  STRIDED_BLOCKS * F32_STRIDED_WINOGRAD_TILES * 4 * channels + STRIDED_ACCUMULATORS * APART;
const stridedGradientBytes = (channels: number) =>
  STRIDED_ACCUMULATORS * (F32_STRIDED_WINOGRAD_TILES * 4 * channels + APART);
/** Places, lanes and a patch. */
const stridedTransformBytes = (channels: number) => 256 + 448 + STRIDED_BLOCKS * 4 * channels;

/** `f32_strided_winograd2d`: accumulators of eight channels, transformed patches. */
export function f32StridedWinogradScratchBytes(inChannels: number): number {
  const products = F32_STRIDED_WINOGRAD_TILES * STRIDED_ACCUMULATORS * 32;
  const operands = stridedInputBytes(inChannels) + stridedTransformBytes(inChannels);
  return ALIGN + 128 + products + operands + SLACK;
}

/** `f32_strided_winograd2d_input_gradient`: products of eight channels, gradients of accumulators. */
export function f32StridedWinogradInputGradientScratchBytes(outChannels: number): number {
  const products = F32_STRIDED_WINOGRAD_TILES * STRIDED_BLOCKS * 32;
  const operands = stridedGradientBytes(outChannels) + stridedTransformBytes(outChannels);
  return ALIGN + 704 + products + operands + SLACK;
}

/** `f32_strided_winograd2d_weight_gradient`: both operands, and the sums of their products. */
export function f32StridedWinogradWeightGradientScratchBytes(
  outChannels: number,
  inChannels: number,
): number {
  const operands = stridedInputBytes(inChannels) + stridedGradientBytes(outChannels);
  const transform = stridedTransformBytes(Math.max(outChannels, inChannels));
  const sums = STRIDED_BLOCKS * outChannels * inChannels * 4;
  return ALIGN + 128 + transform + operands + sums + SLACK;
}

/** `f32_vfunction` and its way back: constants of lanes (`assembly/lib/exp32.ts`, `curves.ts`). */
export const FUNCTION_SCRATCH_BYTES = 128;
