/**
 * From uint8 pixels to what a network sees, one 256-entry table per channel or one for all, shared by training and the runtime:
 *
 *     real = (pixel / 255 − mean[c]) / std[c]          q = quantize(f32(real))       quantization.md eq. (4)
 */

import { checkInteger, checkNumber, rangeError } from './errors.ts';
import type { Fit } from './image.ts';
import type { QParams } from './qparams.ts';
import { quantize } from './rounding.ts';
import { type Shape, showShape } from './shape.ts';

/**
 * `mean` and `std` have one entry per channel, or one for all. `crop` and `resize` say how an image of another size gets
 * the size of the input before that.
 */
export interface Preprocessing extends Fit {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The normalization that makes pixel 0 the integer qmin, pixel 1 the next one, and so on: what 8-bit models call raw pixels. */
export function rawPixels({ scale, zeroPoint, qmin }: QParams): Preprocessing {
  return { mean: [(zeroPoint - qmin) / 255], std: [1 / (255 * scale[0]!)] };
}

/** A table for each channel is 256 times as large as `mean`, and an image has few channels. */
export const MAX_TABLES = 4096;

/** Channels of the table: 1, for all, where `mean` and `std` have one entry. */
export function tableChannels({ mean, std }: Preprocessing): number {
  return Math.max(mean.length, std.length);
}

/** f32 [tableChannels][256]: the real value of each pixel value. Computed in f64, rounded once. */
export function normalizeTable(pre: Preprocessing): Float32Array {
  const { mean, std } = pre;
  const channels = tableChannels(pre);
  const table = new Float32Array(channels * 256);
  for (let c = 0; c < channels; c++) {
    const m = mean[mean.length === 1 ? 0 : c]!;
    const s = std[std.length === 1 ? 0 : c]!;
    for (let pixel = 0; pixel < 256; pixel++) table[c * 256 + pixel] = (pixel / 255 - m) / s;
  }
  return table;
}

/** i8 [tableChannels][256]: the quantized value of each pixel value. */
export function quantizeTable(pre: Preprocessing, input: QParams): Int8Array {
  const { zeroPoint, qmin, qmax } = input;
  const inverse = Math.fround(1 / input.scale[0]!);
  return Int8Array.from(normalizeTable(pre), (real) =>
    quantize(real, inverse, zeroPoint, qmin, qmax),
  );
}

/** Applies a [channels][256] table to interleaved pixels [..., channels]. */
export function applyTable(
  pixels: ArrayLike<number>,
  table: Float32Array,
  out: Float32Array,
): void {
  const channels = table.length / 256;
  if (channels === 1) {
    for (let i = 0; i < pixels.length; i++) out[i] = table[pixels[i]!]!;
    return;
  }
  for (let i = 0, c = 0; i < pixels.length; i++, c = c + 1 === channels ? 0 : c + 1) {
    out[i] = table[c * 256 + pixels[i]!]!;
  }
}

/** Far above the sides of every image. */
const MOST_PIXELS = 65535;

/** Throws a RangeError or TypeError unless `crop` and `resize` can make an input of this shape, batch first. */
export function checkFit(where: string, { crop, resize }: Fit, shape: Shape): void {
  if (!crop && !resize) return;
  const [, height, width] = shape;
  if (shape.length !== 4) {
    const expected = 'crop and resize need an input [N,height,width,channels]';
    throw rangeError(where, expected, showShape(shape));
  }
  if (resize) {
    const least = Math.max(height!, width!);
    checkInteger(where, 'resize.shorterSide', resize.shorterSide, least, MOST_PIXELS);
  }
  if (!crop) return;
  const { fraction, size } = crop;
  if ((fraction === undefined) === (size === undefined)) {
    throw rangeError(where, 'crop must have either fraction or size', fraction ?? 'none');
  }
  if (size === undefined) {
    checkNumber(where, 'crop.fraction', fraction!, 0.01, 1);
    return;
  }
  checkInteger(where, 'crop.size', size, 1, MOST_PIXELS);
  if (!resize) return;
  const expected = 'beside resize.shorterSide, which leaves the centre, crop must be a fraction';
  throw rangeError(where, expected, `size ${size}`);
}
