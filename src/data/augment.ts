/**
 * Augmentation: each image of a training batch is changed at random before it is normalized. Random numbers come from a
 * generator of its own for every batch, made from the seed and the batch's place, so that a batch is the same bytes
 * whatever was computed before it.
 */

import {
  checkInteger,
  checkNumber,
  checkOptions,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { Rng } from '../core/rng.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import type { Batch, DatasetState, SampleArray } from './dataset.ts';

/** One image of a batch. */
export interface AugmentedImage {
  /** u8 [height, width, channels], to be changed in place. */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** As long as `pixels` and free for use; what is in it is anything. */
  readonly scratch: Uint8Array;
  /** u8 [channels]: the pixel that normalization brings nearest to 0, round(255 · mean). */
  readonly blank: Uint8Array;
}

/** Changes an image in place. Draws as many random numbers for each image, so that they do not depend on pixels. */
export type Augmentation = (image: AugmentedImage, random: Rng) => void;

export interface RandomCropOptions {
  /** Pixels that are added on each side before the crop; default 4. */
  readonly padding?: number;
  /**
   * What the added pixels are; by default 0, as in torchvision. A network that learned on one kind of border has statistics
   * for it, so it is to be fine-tuned with the same.
   */
  readonly fill?: Fill;
}

/** A value for every channel, or the pixel that normalization brings nearest to 0. */
export type Fill = number | 'mean';

/**
 * Pads the image on each side and takes a window of its first size at a uniform place of it: the image moves by −padding
 * to padding pixels along both axes (He et al. 2015, §4.2).
 */
export function randomCrop(options: RandomCropOptions = {}): Augmentation {
  checkOptions('randomCrop', options, ['padding', 'fill']);
  const { padding = 4, fill = 0 } = options;
  checkInteger('randomCrop', 'padding', padding, 1, 65535);
  checkFill('randomCrop', fill);
  return (image, random) => {
    const top = random.below(2 * padding + 1) - padding;
    const left = random.below(2 * padding + 1) - padding;
    move(image, top, left, fill);
  };
}

/** pixels[y, x] ← pixels[y + top, x + left], or the fill where there is none. */
function move(image: AugmentedImage, top: number, left: number, fill: Fill): void {
  const { pixels, scratch, height, width, channels } = image;
  scratch.set(pixels);
  clear(image, [0, height], [0, width], fill);
  const rows = Math.max(0, height - Math.abs(top));
  const size = Math.max(0, width - Math.abs(left)) * channels;
  for (let row = 0; row < rows; row++) {
    const from = ((row + Math.max(0, top)) * width + Math.max(0, left)) * channels;
    const to = ((row + Math.max(0, -top)) * width + Math.max(0, -left)) * channels;
    for (let i = 0; i < size; i++) pixels[to + i] = scratch[from + i]!;
  }
}

export interface HorizontalFlipOptions {
  /** Share of the images that are flipped; default 0.5. */
  readonly probability?: number;
}

/** Mirrors the image, left for right. */
export function horizontalFlip(options: HorizontalFlipOptions = {}): Augmentation {
  checkOptions('horizontalFlip', options, ['probability']);
  const { probability = 0.5 } = options;
  checkNumber('horizontalFlip', 'probability', probability, 0, 1);
  return (image, random) => {
    if (random.uniform() < probability) mirror(image);
  };
}

function mirror({ pixels, height, width, channels }: AugmentedImage): void {
  for (let row = 0; row < height; row++) {
    let left = row * width * channels;
    let right = left + (width - 1) * channels;
    for (; left < right; left += channels, right -= channels) {
      for (let c = 0; c < channels; c++) {
        const kept = pixels[left + c]!;
        pixels[left + c] = pixels[right + c]!;
        pixels[right + c] = kept;
      }
    }
  }
}

export interface CutoutOptions {
  /** Side of the square in pixels; default 16. */
  readonly size?: number;
  /** What its pixels are; by default 'mean', as in the paper, which covers normalized images with 0. */
  readonly fill?: Fill;
}

/**
 * Covers a square around a uniform pixel of the image; the part of it beyond the borders is lost, so that squares of all
 * sizes from a quarter on occur (DeVries and Taylor 2017, arXiv 1708.04552, §3).
 */
export function cutout(options: CutoutOptions = {}): Augmentation {
  checkOptions('cutout', options, ['size', 'fill']);
  const { size = 16, fill = 'mean' } = options;
  checkInteger('cutout', 'size', size, 1, 65535);
  checkFill('cutout', fill);
  return (image, random) => {
    const top = random.below(image.height) - (size >> 1);
    const left = random.below(image.width) - (size >> 1);
    const rows: Range = [Math.max(0, top), Math.min(image.height, top + size)];
    clear(image, rows, [Math.max(0, left), Math.min(image.width, left + size)], fill);
  };
}

type Range = readonly [from: number, to: number];

function clear(
  { pixels, blank, width, channels }: AugmentedImage,
  rows: Range,
  columns: Range,
  fill: Fill,
): void {
  for (let row = rows[0]; row < rows[1]; row++) {
    let at = (row * width + columns[0]) * channels;
    for (let column = columns[0]; column < columns[1]; column++) {
      for (let c = 0; c < channels; c++) pixels[at++] = fill === 'mean' ? blank[c]! : fill;
    }
  }
}

function checkFill(where: string, fill: Fill): void {
  if (fill !== 'mean') checkInteger(where, 'fill', fill, 0, 255);
}

/** What an augmenter has to know of a dataset. */
interface Samples {
  readonly x?: SampleArray;
  readonly shape: Shape;
  readonly preprocessing?: Preprocessing;
}

/** Applies augmentations to the batches of one dataset. */
export class Augmenter {
  readonly #scratch: Uint8Array;
  readonly #blank: Uint8Array;

  private constructor(
    readonly augmentations: readonly Augmentation[],
    readonly shape: Shape,
    mean: readonly number[],
  ) {
    this.#scratch = new Uint8Array(sizeOf(shape));
    this.#blank = Uint8Array.from({ length: shape[2]! }, (_, c) => {
      const pixel = Math.round(255 * mean[mean.length === 1 ? 0 : c]!);
      return Math.max(0, Math.min(255, pixel));
    });
  }

  /** Nothing without augmentations. Throws a TypeError or RangeError for what is none and for samples that are no images. */
  static of(
    where: string,
    augment: readonly Augmentation[] | undefined,
    { shape, preprocessing }: Samples,
  ): Augmenter | undefined {
    if (augment === undefined) return undefined;
    if (!Array.isArray(augment)) {
      throw typeError(where, 'augment must be an array of functions', kindOf(augment));
    }
    for (const one of augment) {
      if (typeof one === 'function') continue;
      throw typeError(where, 'entries of augment must be functions', kindOf(one));
    }
    if (!preprocessing) throw typeError(where, 'augment is for x of Uint8Array', 'Float32Array');
    if (shape.length !== 3) {
      throw rangeError(where, 'augment needs samples [H,W,C]', showShape(shape));
    }
    return augment.length === 0 ? undefined : new Augmenter(augment, shape, preprocessing.mean);
  }

  /** Changes the images of a batch in place, as its place in the run says. */
  apply({ x, size }: Batch, place: DatasetState): void {
    const [height, width, channels] = this.shape as [number, number, number];
    const sample = sizeOf(this.shape);
    const random = new Rng(mixed(place));
    const rest = { height, width, channels, scratch: this.#scratch, blank: this.#blank };
    for (let i = 0; i < size; i++) {
      const pixels = (x as Uint8Array).subarray(i * sample, (i + 1) * sample);
      for (const augment of this.augmentations) augment({ ...rest, pixels }, random);
    }
  }
}

/** One seed from three numbers; the steps between are those of a 32-bit hash, so that neighbours have nothing in common. */
function mixed({ seed, epoch, step }: DatasetState): number {
  let hash = 0x6f637461;
  for (const number of [seed, epoch, step]) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash;
}
