import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import {
  type Augmentation,
  type AugmentedImage,
  cutout,
  horizontalFlip,
  randomCrop,
} from '../../src/data/augment.ts';
import { type ArraysOptions, fromArrays } from '../../src/data/fromArrays.ts';

const SEED = 5;
const [HEIGHT, WIDTH, CHANNELS] = [6, 5, 2];
const BLANK = [7, 9];

/** Pixel [y, x, c] is 1 + its place, so that none is a blank of 0 and each is another. */
function numberedImage(): AugmentedImage {
  const size = HEIGHT * WIDTH * CHANNELS;
  return {
    pixels: Uint8Array.from({ length: size }, (_, i) => 100 + i),
    height: HEIGHT,
    width: WIDTH,
    channels: CHANNELS,
    scratch: new Uint8Array(size).fill(255),
    blank: Uint8Array.from(BLANK),
  };
}

type Pixel = (y: number, x: number, c: number) => number;

/** The pixel of an image that was never changed, `outside` beyond its borders. */
function original(outside: (c: number) => number): Pixel {
  return (y, x, c) =>
    y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH ? 100 + (y * WIDTH + x) * CHANNELS + c : outside(c);
}

function imageOf(pixel: Pixel): number[] {
  const pixels: number[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      for (let c = 0; c < CHANNELS; c++) pixels.push(pixel(y, x, c));
    }
  }
  return pixels;
}

function changed(augment: Augmentation, random = new Rng(SEED)): number[] {
  const image = numberedImage();
  augment(image, random);
  return [...image.pixels];
}

const keep: Pixel = original(() => 0);

describe('randomCrop', () => {
  test.each([1, 3, 8])('is a window of the image with %i pixels around it', (padding) => {
    const at = original((c) => BLANK[c]!);
    const windows = new Map<string, string>();
    for (let top = -padding; top <= padding; top++) {
      for (let left = -padding; left <= padding; left++) {
        const window = imageOf((y, x, c) => at(y + top, x + left, c));
        windows.set(String(window), `${top},${left}`);
      }
    }
    const random = new Rng(SEED);
    const found = new Map<string, number>();
    const runs = 40 * (2 * padding + 1) ** 2;
    for (let run = 0; run < runs; run++) {
      const place = windows.get(String(changed(randomCrop({ padding, fill: 'mean' }), random)));
      expect(place).toBeDefined();
      found.set(place!, (found.get(place!) ?? 0) + 1);
    }
    // A place is missed with probability (1 − 1/n)^(40 n) < e⁻⁴⁰.
    expect(found.size).toBe(new Set(windows.values()).size);
  });

  test.each([undefined, 3])('fills with 0, or with what it is told: %s', (fill) => {
    const at = original(() => fill ?? 0);
    const options = fill === undefined ? {} : { fill };
    const pixels = changed(randomCrop({ padding: 2, ...options }));
    const places = Array.from({ length: 25 }, (_, i) => [Math.floor(i / 5) - 2, (i % 5) - 2]);
    const all = places.map(([top, left]) => imageOf((y, x, c) => at(y + top!, x + left!, c)));
    expect(all).toContainEqual(pixels);
  });
});

describe('horizontalFlip', () => {
  const mirrored = imageOf((y, x, c) => keep(y, WIDTH - 1 - x, c));

  test('mirrors all images, or none, as the probability says', () => {
    expect(changed(horizontalFlip({ probability: 1 }))).toEqual(mirrored);
    expect(changed(horizontalFlip({ probability: 0 }))).toEqual(imageOf(keep));
  });

  test('mirrors half of them by default', () => {
    const random = new Rng(SEED);
    const flips = Array.from({ length: 1000 }, () => changed(horizontalFlip(), random)).filter(
      (pixels) => String(pixels) === String(mirrored),
    );
    // Five standard deviations of a fair coin: 5 · sqrt(1000 / 4).
    expect(Math.abs(flips.length - 500)).toBeLessThan(80);
  });
});

describe('cutout', () => {
  test.each([1, 2, 3, 16])('covers a square of %i around any pixel', (size) => {
    const first = size >> 1;
    const all = new Set<string>();
    for (let cy = 0; cy < HEIGHT; cy++) {
      for (let cx = 0; cx < WIDTH; cx++) {
        const inside = (at: number, centre: number) =>
          at >= centre - first && at < centre - first + size;
        const square: Pixel = (y, x, c) =>
          inside(y, cy) && inside(x, cx) ? BLANK[c]! : keep(y, x, c);
        all.add(String(imageOf(square)));
      }
    }
    const random = new Rng(SEED);
    const found = new Set<string>();
    for (let run = 0; run < 40 * HEIGHT * WIDTH; run++) {
      found.add(String(changed(cutout({ size }), random)));
    }
    expect(found).toEqual(all);
  });

  test('covers all but nothing else with a square as large as the image and more', () => {
    const pixels = changed(cutout({ size: 100, fill: 0 }));
    expect(new Set(pixels)).toEqual(new Set([0]));
  });
});

describe('augment of a dataset', () => {
  const x = Uint8Array.from({ length: 3 * 12 }, (_, i) => i);
  const images = { x, y: [0, 1, 2], shape: [2, 2, 3], classes: 3, shuffle: false };

  async function firstEpoch(options: Partial<ArraysOptions> = {}) {
    for await (const batch of fromArrays({ ...images, ...options })) return [...batch.x];
    return [];
  }

  test('is done in order, on a copy, with the pixel that is nearest to the mean', async () => {
    const seen: number[][] = [];
    const note: Augmentation = ({ pixels, blank }) => {
      seen.push([...pixels.subarray(0, 3), ...blank]);
      pixels.fill(1);
    };
    const add: Augmentation = ({ pixels }) => pixels.set(pixels.map((value) => value + 1));
    const preprocessing = { mean: [0.5, -1, 2], std: [1] };
    const pixels = await firstEpoch({ augment: [note, add], preprocessing });
    expect(new Set(pixels)).toEqual(new Set([2]));
    expect(seen).toEqual([0, 12, 24].map((i) => [i, i + 1, i + 2, 128, 0, 255]));
    expect([...x]).toEqual(Array.from({ length: 36 }, (_, i) => i));
  });

  test('differs from epoch to epoch, from batch to batch and by seed', async () => {
    const draw: Augmentation = ({ pixels }, random) => void pixels.fill(random.below(256));
    const runs = await Promise.all(
      [1, 1, 2].map((seed) => firstEpoch({ augment: [draw], seed, batchSize: 1 })),
    );
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    const drawn: number[] = [];
    const dataset = fromArrays({ ...images, augment: [draw], batchSize: 1 });
    for (let epoch = 0; epoch < 4; epoch++) {
      for await (const batch of dataset) drawn.push(batch.x[0]!);
    }
    expect(new Set(drawn).size).toBeGreaterThan(9);
  });

  test.each<[Partial<ArraysOptions>, RegExp]>([
    [{ augment: cutout() as never }, /^fromArrays: augment must be an array of functions, got a f/],
    [{ augment: ['flip'] as never }, /^fromArrays: entries of augment must be functions, got "fl/],
    [
      { augment: [cutout()], x: new Float32Array(36) },
      /^fromArrays: augment is for x of Uint8Array, got Float32Array$/,
    ],
    [
      { augment: [cutout()], shape: [12] },
      /^fromArrays: augment needs samples \[H,W,C\], got \[12/,
    ],
  ])('refuses %o', (options, message) => {
    expect(() => fromArrays({ ...images, ...options })).toThrow(message);
  });
});

test.each<[() => unknown, RegExp]>([
  [
    () => randomCrop({ padding: 0 }),
    /^randomCrop: padding must be an integer in \[1, 65535\], got/,
  ],
  [() => randomCrop({ fill: 256 }), /^randomCrop: fill must be an integer in \[0, 255\], got 256$/],
  [() => randomCrop({ size: 3 } as never), /^randomCrop: options are padding, fill, got size$/],
  [
    () => horizontalFlip({ probability: 2 }),
    /^horizontalFlip: probability must be a finite number in \[0, 1\], got 2$/,
  ],
  [() => cutout({ size: 0.5 }), /^cutout: size must be an integer in \[1, 65535\], got 0.5$/],
  [
    () => cutout({ fill: 'black' as never }),
    /^cutout: fill must be an integer in \[0, 255\], got "bl/,
  ],
  [() => cutout({ fill: -1 }), /^cutout: fill must be an integer in \[0, 255\], got -1$/],
])('refuses options that cannot be: %s', (make, message) => {
  expect(make).toThrow(message);
});
