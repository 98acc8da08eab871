/**
 * Sizes in bytes of what the int8 kernels pack and scribble on; the layouts are drawn in `assembly/int8`. All are
 * multiples of 16.
 */

const alignTo16 = (n: number) => (n + 15) & ~15;

/** Terms of one output's sum as `qs8_conv2d` sees them: each kernel row of taps and channels has an even number. */
export function paddedDepth(fields: {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly inChannels: number;
}): number {
  return fields.kernelHeight * ((fields.kernelWidth * fields.inChannels + 1) & ~1);
}

/** Weights of a convolution or a dense layer of padded depth k: panels [ceil(n/8)][ceil(k/2)][8][2] i16. */
export function packedWeightsBytes(n: number, k: number): number {
  return Math.ceil(n / 8) * Math.ceil(k / 2) * 32;
}

/** Weights of a depthwise convolution: [ceil(c/8)][kernelWidth][ceil(kernelHeight/2)][8][2] i16. */
export function packedDepthwiseBytes(
  channels: number,
  kernelHeight: number,
  kernelWidth: number,
): number {
  return Math.ceil(channels / 8) * kernelWidth * Math.ceil(kernelHeight / 2) * 32;
}

/** A-panels of one block, as in `assembly/int8/packInput.ts`. */
const BLOCK_BYTES = 16384;

/**
 * Scratch of `qs8_conv2d` and `qs8_f32_conv2d`, k the padded depth:
 *
 *     constants 96 | pixels 64 | zero row and four gathered rows, k + slack each | A-panels | slack 128
 */
export function conv2dScratchBytes(k: number): number {
  const panel = alignTo16(k) * 8;
  const panels = Math.max(1, Math.floor(BLOCK_BYTES / panel)) * panel;
  return 160 + 5 * (alignTo16(k) + 16) + panels + 128;
}

/** Interleaved columns of a strip, as in `assembly/int8/dwconvAny.ts`. */
const COLUMN_BYTES = 16384;

/**
 * Scratch of `qs8_dwconv2d` and `qs8_f32_dwconv2d`:
 *
 *     constants 96 | sums of 66 pixels | input rows | row of zero points, channels + slack
 *     | epilogues, 96 for 8 channels | interleaved columns, 32 a pair of rows, those of one window at least
 */
export function dwconv2dScratchBytes(
  channels: number,
  kernelHeight: number,
  kernelWidth: number,
): number {
  const window = kernelWidth * Math.ceil(kernelHeight / 2) * 32;
  const epilogues = Math.ceil(channels / 8) * 96;
  const columns = Math.max(COLUMN_BYTES, window);
  return 96 + 66 * 32 + (64 * 16 + 32) + alignTo16(channels) + 16 + epilogues + columns;
}

const alignTo8 = (n: number) => (n + 7) & ~7;

/** Weights of `qs8_winograd2d`: [ceil(n/8)][16][4·ceil(channels/8)][8][2] i16. */
export function packedWinogradBytes(n: number, channels: number): number {
  return alignTo8(n) * 16 * alignTo8(channels) * 2;
}

/** Tiles of one block, as in `assembly/int8/winograd.ts`. */
function tilesOfBlock(channels: number): number {
  return Math.max(16, Math.min(32, (4096 / alignTo8(channels)) & ~3));
}

/**
 * Scratch of `qs8_winograd2d`, channels those of the input:
 *
 *     constants 96 | starts 64 | products, 512 a tile | patch of four tiles | A-panels of 16 positions, tiles + 4 lanes
 */
export function winogradScratchBytes(channels: number): number {
  const tiles = tilesOfBlock(channels);
  const patch = 40 * alignTo16(channels) + 16;
  return 160 + 512 * tiles + patch + 16 * (alignTo8(channels) / 2) * (tiles + 4) * 4;
}

/** Scratch of `qs8_gemv`: constants 96 | rows of x in i16, k rounded up to 16 each. */
export function gemvScratchBytes(rows: number, k: number): number {
  return 96 + rows * alignTo16(k) * 2;
}

/** Scratch of `qs8_matmul`, a product of k terms with n columns: packed right side | scratch of `qs8_conv2d`. */
export function matmulScratchBytes(n: number, k: number): number {
  const depth = (k + 1) & ~1;
  return packedWeightsBytes(n, depth) + conv2dScratchBytes(depth);
}
