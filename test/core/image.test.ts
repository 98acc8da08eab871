import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fit, fitImage, type Image } from '../../src/core/image.ts';
import { Rng } from '../../src/core/rng.ts';

/** Random pixels of an image. */
function noise(height: number, width: number, channels: number, seed = 1): Image {
  const rng = new Rng(seed);
  const data = Uint8Array.from({ length: height * width * channels }, () => rng.below(256));
  return { data, height, width, channels };
}

/** A row of grey pixels. */
function row(...data: number[]): Image {
  return { data: Uint8Array.from(data), height: 1, width: data.length, channels: 1 };
}

/**
 * Pixel `index` of a row of `pixels` resized to `length`: the formula of docs/bundle.md over all pixels, whether or not
 * the filter reaches them.
 */
function plainResize(pixels: readonly number[], length: number, index: number): number {
  const scale = pixels.length / length;
  const reach = Math.max(1, scale);
  const weights = pixels.map((_, i) => {
    const distance = i - (index + 0.5) * scale + 0.5;
    return Math.max(0, 1 - Math.abs(distance * (1 / reach)));
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const fixed = weights.map((weight) => BigInt(Math.floor((weight / total) * 2 ** 22 + 0.5)));
  const sum = pixels.reduce((sum, pixel, i) => sum + BigInt(pixel) * fixed[i]!, 1n << 21n);
  return Math.min(255, Number(sum >> 22n));
}

/** Rows and then columns of one channel. */
function plainImage({ data, width, height, channels }: Image, to: [number, number], c: number) {
  const line = <T>(length: number, at: (i: number) => T) => Array.from({ length }, (_, i) => at(i));
  const wide = line(height, (y) => {
    const pixels = line(width, (x) => data[(y * width + x) * channels + c]!);
    return line(to[1], (x) => plainResize(pixels, to[1], x));
  });
  return line(to[0], (y) =>
    line(to[1], (x) =>
      plainResize(
        line(height, (i) => wide[i]![x]!),
        to[0],
        y,
      ),
    ),
  );
}

describe('a resize', () => {
  test('weighs the pixels that its triangle covers', () => {
    // Weights 3/7, 3/7, 1/7.
    expect([...fitImage(row(0, 0, 255, 255), [1, 2, 1])]).toEqual([36, 219]);
    // Three quarters and a quarter between two pixels; the first and the last repeat the border.
    expect([...fitImage(row(0, 100), [1, 4, 1])]).toEqual([0, 25, 75, 100]);
  });

  test.each([
    [7, 5, 3, 4, 3],
    [5, 9, 1, 16, 16],
    [16, 16, 3, 8, 8],
    [1, 1, 3, 5, 4],
    [33, 2, 1, 1, 1],
    [20, 31, 4, 20, 7],
  ])('of %i×%i×%i to %i×%i is the plain formula', (height, width, channels, toHeight, toWidth) => {
    const image = noise(height, width, channels);
    const got = fitImage(image, [toHeight, toWidth, channels]);
    for (let c = 0; c < channels; c++) {
      const expected = plainImage(image, [toHeight, toWidth], c).flat();
      expect([...got].filter((_, i) => i % channels === c)).toEqual(expected);
    }
  });

  test('keeps an image of the same size', () => {
    const image = noise(6, 9, 3);
    expect(fitImage(image, [6, 9, 3])).toEqual(image.data);
  });

  test('keeps one colour one colour, and all between the darkest and the brightest', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, size, fc.nat(255), fc.nat(255), (h, w, toH, toW, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const image = noise(h, w, 1, h * w);
        const flat = { ...image, data: image.data.map(() => a) };
        expect(new Set(fitImage(flat, [toH, toW, 1]))).toEqual(new Set([a]));
        const between = image.data.map((x) => low + (x % (high - low + 1)));
        for (const pixel of fitImage({ ...image, data: between }, [toH, toW, 1])) {
          expect(pixel).toBeGreaterThanOrEqual(low);
          expect(pixel).toBeLessThanOrEqual(high);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('does not overflow where thousands of rounded weights add up to more than 1', () => {
    const data = new Uint8Array(65_535).fill(255);
    const image = { data, height: 1, width: data.length, channels: 1 };
    expect([...fitImage(image, [1, 3, 1])]).toEqual([255, 255, 255]);
  });

  test('to a shorter side leaves the centre of what it would make', () => {
    for (const [height, width] of [
      [12, 31],
      [31, 12],
      [20, 20],
    ] as const) {
      const image = noise(height, width, 3);
      const shorter = Math.min(height, width);
      const [h, w] = [height, width].map((side) => Math.floor((side * 9) / shorter)) as [
        number,
        number,
      ];
      const whole = fitImage(image, [h, w, 3]);
      const [top, left] = [(h - 8) >> 1, (w - 7) >> 1];
      const expected = Array.from({ length: 8 }, (_, y) => {
        const start = ((top + y) * w + left) * 3;
        return [...whole.subarray(start, start + 21)];
      });
      expect([...fitImage(image, [8, 7, 3], { resize: { shorterSide: 9 } })]).toEqual(
        expected.flat(),
      );
    }
  });

  test('to a shorter side makes no more than the pixels it leaves', () => {
    const image = noise(1, 60_000, 1);
    const pixels = fitImage(image, [2, 2, 1], { resize: { shorterSide: 60_000 } });
    expect(pixels).toHaveLength(4);
  });
});

describe('a crop', () => {
  const ramp = (extent: number) => row(...Array.from({ length: extent }, (_, i) => i));
  const kept = (extent: number, crop: Fit['crop'], count: number) => {
    // A column of equal rows, so that both axes have the extent.
    const { data } = ramp(extent);
    const square = Uint8Array.from({ length: extent ** 2 }, (_, i) => data[i % extent]!);
    const image = { data: square, height: extent, width: extent, channels: 1 };
    return [...fitImage(image, [count, count, 1], { crop: crop! })].slice(0, count);
  };

  test('by a fraction keeps 14…212 of 227 at 0.875', () => {
    const expected = Array.from({ length: 199 }, (_, i) => 14 + i);
    expect(kept(227, { fraction: 0.875 }, 199)).toEqual(expected);
    expect(kept(227, { size: 199 }, 199)).toEqual(expected);
  });

  test('leaves the odd pixel behind the centre', () => {
    expect(kept(5, { size: 2 }, 2)).toEqual([1, 2]);
    expect(kept(4, { fraction: 0.5 }, 2)).toEqual([1, 2]);
    expect(kept(5, { fraction: 0.01 }, 1)).toEqual([2]);
    expect(kept(4, { fraction: 0.01 }, 2)).toEqual([1, 2]);
    expect(kept(4, { fraction: 1 }, 4)).toEqual([0, 1, 2, 3]);
  });

  test('does not see the pixels that it leaves out', () => {
    const image = noise(9, 9, 1);
    const other = { ...image, data: image.data.slice() };
    for (let i = 0; i < 81; i++) {
      const inside = i >= 18 && i < 63 && i % 9 >= 2 && i % 9 < 7;
      if (!inside) other.data[i]! ^= 255;
    }
    const crop = { size: 5 };
    expect(fitImage(other, [3, 3, 1], { crop })).toEqual(fitImage(image, [3, 3, 1], { crop }));
  });

  test('larger than the image is refused', () => {
    expect(() => fitImage(noise(9, 7, 1), [3, 3, 1], { crop: { size: 8 } })).toThrow(
      /^image: both sides must have the 8 pixels of the crop, got 7$/,
    );
  });
});

describe('the channels', () => {
  test('lose alpha', () => {
    const rgba = noise(4, 4, 4);
    const data = rgba.data.filter((_, i) => i % 4 < 3);
    expect(fitImage(rgba, [4, 4, 3])).toEqual(data);
    const grey = noise(4, 4, 2);
    expect(fitImage(grey, [4, 4, 1])).toEqual(grey.data.filter((_, i) => i % 2 === 0));
  });

  test.each([1, 2])('of grey of %i channels are repeated for RGB', (channels) => {
    const image = noise(3, 3, channels);
    const grey = [...image.data].filter((_, i) => i % channels === 0);
    expect([...fitImage(image, [3, 3, 3])]).toEqual(grey.flatMap((x) => [x, x, x]));
  });

  test('of colour become luma, under which grey stays what it is', () => {
    const luma = (...data: number[]) => {
      const image = { data: Uint8Array.from(data), height: 1, width: 1, channels: 3 };
      return fitImage(image, [1, 1, 1])[0];
    };
    expect([luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)]).toEqual([76, 150, 29]);
    for (let x = 0; x < 256; x++) expect(luma(x, x, x)).toBe(x);
  });

  test('that fit no other are refused', () => {
    expect(() => fitImage(noise(2, 2, 3), [2, 2, 2])).toThrow(
      /^image: the image must have the 2 channels of the input, got 3$/,
    );
    expect(fitImage(noise(2, 2, 7), [2, 2, 7])).toHaveLength(28);
  });
});
