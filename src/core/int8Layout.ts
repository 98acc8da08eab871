/**
 * Sizes in bytes of what the int8 kernels pack and scribble on; the layouts are drawn in `assembly/int8`. All are
 * multiples of 16.
 */

const alignTo16 = (n: number) => (n + 15) & ~15;

/** Weights of a convolution or a dense layer: panels [ceil(n/8)][ceil(k/2)][8][2] i16. */
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
 * Scratch of `qs8_conv2d` and `qs8_f32_conv2d`, k = kernelHeight · kernelWidth · inChannels:
 *
 *     constants 96 | pixels 64 | zero row and four gathered rows, k + slack each | A-panels | slack 128
 */
export function conv2dScratchBytes(k: number): number {
  const panel = alignTo16(k) * 8;
  const panels = Math.max(1, Math.floor(BLOCK_BYTES / panel)) * panel;
  return 160 + 5 * (alignTo16(k) + 16) + panels + 128;
}

/**
 * Scratch of `qs8_dwconv2d` and `qs8_f32_dwconv2d`:
 *
 *     constants 96 | sums of 64 pixels | input rows | row of zero points, channels + slack
 *     | epilogues, 96 for 8 channels | addresses of the taps
 */
export function dwconv2dScratchBytes(
  channels: number,
  kernelHeight: number,
  kernelWidth: number,
): number {
  const taps = kernelWidth * Math.ceil(kernelHeight / 2) * 2;
  const epilogues = Math.ceil(channels / 8) * 96;
  return 96 + 64 * 32 + (64 * 16 + 32) + alignTo16(channels) + 16 + epilogues + alignTo16(taps * 4);
}
