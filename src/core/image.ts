/**
 * From an image of any size to the pixels of a network's input, in integers alone, so that every host makes the same
 * bytes. In this order:
 *
 *     convert   to the channels of the network
 *     crop      the central part of the image
 *     resize    antialiased triangle filter, along rows and then along columns, each rounded to 8 bits
 *     window    the centre of the resized image, of the size of the network's input
 *
 * The weights of the filter are f64 sums, products and quotients, then fixed point with 22 bits behind the point.
 */

import { rangeError } from './errors.ts';

/** Interleaved pixels [height, width, channels]: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
export interface Image {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** How an image becomes as large as the network's input. */
export interface Fit {
  /**
   * Either of the two. `fraction` f, at least 0.01 and at most 1, keeps the central extent − 2·floor((extent − f·extent) / 2)
   * pixels of each axis; `size` the central `size` × `size` pixels, with the odd one of the rest behind them.
   */
  readonly crop?: { readonly fraction?: number; readonly size?: number };
  /**
   * The shorter side gets this length and the longer one its share, rounded down; the centre remains. Without it both
   * sides are resized to those of the network, whatever that does to the proportions.
   */
  readonly resize?: { readonly shorterSide: number };
}

/** Bits behind the point of a weight: 255 times all weights, and a half, stay below 2^31. */
const FRACTION_BITS = 22;

/** The pixels u8 [height, width, channels] of a network's input. Throws a RangeError when the image cannot give them. */
export function fitImage(
  image: Image,
  [height, width, channels]: readonly [number, number, number],
  { crop, resize }: Fit = {},
  where = 'image',
): Uint8Array {
  checkChannels(where, image.channels, channels);
  const rows = cropped(where, image.height, crop);
  const columns = cropped(where, image.width, crop);
  const shorter = Math.min(rows.count, columns.count);
  const scaled = (count: number, target: number) =>
    resize ? Math.floor((resize.shorterSide * count) / shorter) : target;
  const pixels = convert(image, rows, columns, channels);
  const across = resample(pixels, {
    outer: rows.count,
    extent: columns.count,
    inner: channels,
    scaled: scaled(columns.count, width),
    count: width,
  });
  return resample(across, {
    outer: 1,
    extent: rows.count,
    inner: width * channels,
    scaled: scaled(rows.count, height),
    count: height,
  });
}

/** `count` pixels of an axis from `first` on. */
interface Span {
  readonly first: number;
  readonly count: number;
}

function cropped(where: string, extent: number, crop: Fit['crop']): Span {
  const { fraction = 1, size } = crop ?? {};
  if (size === undefined) {
    const first = Math.floor((extent - extent * fraction) / 2);
    return { first, count: extent - 2 * first };
  }
  if (size <= extent) return { first: (extent - size) >> 1, count: size };
  throw rangeError(where, `both sides must have the ${size} pixels of the crop`, extent);
}

function checkChannels(where: string, from: number, to: number): void {
  if (from === to || (from <= 4 && (to === 1 || to === 3))) return;
  throw rangeError(where, `the image must have the ${to} channels of the input`, from);
}

/** The pixels of the spans with `to` channels: alpha is dropped, grey is repeated, colour becomes its luma. */
function convert(image: Image, rows: Span, columns: Span, to: number): Uint8Array {
  const { data, width, channels } = image;
  const grey = channels < 3;
  const out = new Uint8Array(rows.count * columns.count * to);
  let at = 0;
  for (let y = rows.first; y < rows.first + rows.count; y++) {
    let from = (y * width + columns.first) * channels;
    for (let x = 0; x < columns.count; x++, from += channels) {
      if (to === 1 && !grey) out[at++] = luma(data[from]!, data[from + 1]!, data[from + 2]!);
      else for (let c = 0; c < to; c++) out[at++] = data[from + (grey && to === 3 ? 0 : c)]!;
    }
  }
  return out;
}

/** ITU-R 601 in 16 bits behind the point; r = g = b stay as they are. */
function luma(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

/** One axis of [outer, extent, inner] becomes the central `count` of `scaled`. */
interface Axis
  extends Readonly<Record<'outer' | 'extent' | 'inner' | 'scaled' | 'count', number>> {}

function resample(data: Uint8Array, { outer, extent, inner, scaled, count }: Axis): Uint8Array {
  if (scaled === extent && count === extent) return data;
  const first = (scaled - count) >> 1;
  const taps = Array.from({ length: count }, (_, i) => tapsOf(extent, scaled, first + i));
  const out = new Uint8Array(outer * count * inner);
  for (let o = 0, to = 0; o < outer; o++) {
    for (const { start, weights } of taps) {
      const from = (o * extent + start) * inner;
      for (let c = 0; c < inner; c++) {
        let sum = 1 << (FRACTION_BITS - 1);
        for (let t = 0, at = from + c; t < weights.length; t++, at += inner) {
          sum += data[at]! * weights[t]!;
        }
        // Weights are rounded one by one: many of them can add up to a little more than 1.
        out[to++] = Math.min(255, sum >> FRACTION_BITS);
      }
    }
  }
  return out;
}

/**
 * What pixel `index` of an axis resized from `extent` to `scaled` is made of: the pixels from `start` on, with weights
 * max(0, 1 − |distance of the centres| / support), support = max(1, extent / scaled), that add up to 1.
 */
function tapsOf(extent: number, scaled: number, index: number) {
  const scale = extent / scaled;
  const support = Math.max(1, scale);
  const center = (index + 0.5) * scale;
  const start = Math.max(0, Math.trunc(center - support + 0.5));
  const end = Math.min(extent, Math.trunc(center + support + 0.5));
  const reals = Float64Array.from({ length: end - start }, (_, t) =>
    Math.max(0, 1 - Math.abs((start + t - center + 0.5) * (1 / support))),
  );
  const total = reals.reduce((sum, weight) => sum + weight, 0);
  const weights = Int32Array.from(reals, (weight) => (weight / total) * 2 ** FRACTION_BITS + 0.5);
  return { start, weights };
}
