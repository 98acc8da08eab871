import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fitImage } from '../../src/core/image.ts';
import { decodeImage, isImage } from '../../src/data/images.ts';
import { COLOUR_JPEG, GREY_JPEG, pngFile } from '../cli/imageFiles.ts';
import { dataPath, describeWithData } from '../helpers/data.ts';

/** The one colour of an image. */
async function colourOf(file: Uint8Array): Promise<number[]> {
  const { data, width, height, channels } = await decodeImage(file, 'x');
  expect([width, height, channels]).toEqual([8, 4, 4]);
  const colours = new Set(
    Array.from({ length: 32 }, (_, i) => data.slice(4 * i, 4 * i + 4).join()),
  );
  expect(colours.size).toBe(1);
  return [...data.slice(0, 4)];
}

describe('decodeImage', () => {
  test('reads JPEGs of colours and of grey', async () => {
    const [r, g, b, a] = await colourOf(COLOUR_JPEG);
    for (const [got, wanted] of [
      [r, 200],
      [g, 100],
      [b, 50],
    ]) {
      expect(Math.abs(got! - wanted!)).toBeLessThan(4);
    }
    expect(a).toBe(255);
    const [grey, ...others] = await colourOf(GREY_JPEG);
    expect(Math.abs(grey! - 124)).toBeLessThan(4);
    expect(others).toEqual([grey, grey, 255]);
  });

  test.each<[1 | 2 | 3 | 4, number[], number[]]>([
    [1, [0, 255, 7, 9], [0, 0, 0, 255, 255, 255, 255, 255, 7, 7, 7, 255, 9, 9, 9, 255]],
    [2, [50, 0, 60, 128], [50, 50, 50, 0, 60, 60, 60, 128]],
    [3, [1, 2, 3, 4, 5, 6], [1, 2, 3, 255, 4, 5, 6, 255]],
    [4, [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]],
  ])('reads PNGs of %i channels', async (channels, pixels, rgba) => {
    const image = await decodeImage(pngFile(2, channels, pixels), 'x');
    expect([image.width, image.height, image.channels]).toEqual([2, rgba.length / 8, 4]);
    expect([...image.data]).toEqual(rgba);
  });

  test('knows files by their first bytes', async () => {
    expect([COLOUR_JPEG, pngFile(1, 1, [1]), new Uint8Array(9)].map(isImage)).toEqual([
      true,
      true,
      false,
    ]);
    await expect(decodeImage(Uint8Array.of(66, 77, 1, 2), 'cat.bmp')).rejects.toThrow(
      /^cat.bmp: the file must be a PNG or a JPEG, got bytes \[66,77,1,2\]$/,
    );
    await expect(decodeImage(new Uint8Array(), 'x')).rejects.toThrow(/got bytes \[\]$/);
  });

  test('refuses damaged files, and reads the next one', async () => {
    for (const length of [3, 20, 150, 200, COLOUR_JPEG.length - 3]) {
      const cut = decodeImage(COLOUR_JPEG.subarray(0, length), 'x');
      await expect(cut).rejects.toThrow(/^x: the file must be a whole JPEG, got /);
    }
    const png = pngFile(2, 3, [1, 2, 3, 4, 5, 6]);
    for (const length of [8, 30, png.length - 20, png.length - 13]) {
      const cut = decodeImage(png.subarray(0, length), 'x');
      await expect(cut).rejects.toThrow(/^x: the file must be a whole PNG, got /);
    }
    await colourOf(GREY_JPEG);
  });
});

describeWithData('golden pixels', ['golden/imagenet4_224.u8', 'imagenet-val/labels.csv'], () => {
  test.each([128, 160, 224])('of %i × %i are those of libjpeg and Pillow', async (size) => {
    const golden = readFileSync(dataPath(`golden/imagenet4_${size}.u8`));
    const lines = readFileSync(dataPath('imagenet-val/labels.csv'), 'utf8').split('\n').slice(1, 5);
    const sample = size * size * 3;
    expect(golden).toHaveLength(4 * sample);
    for (const [i, line] of lines.entries()) {
      const file = dataPath(`imagenet-val/${line.split(',')[0]}`);
      const image = await decodeImage(readFileSync(file), file);
      const pixels = fitImage(image, [size, size, 3], { crop: { fraction: 0.875 } });
      const expected = golden.subarray(i * sample, (i + 1) * sample);
      expect(Buffer.compare(pixels, expected), file).toBe(0);
    }
  });
});
