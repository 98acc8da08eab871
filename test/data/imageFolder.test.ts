import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ImagesOptions, loadImages } from '../../src/data/imageFolder.ts';
import { COLOUR_JPEG, pngFile } from '../cli/imageFiles.ts';
import { dataFolder, dataPath, describeWithData } from '../helpers/data.ts';

/** 2 × 2 pixels of three channels, from `first` on. */
const png = (first: number) =>
  pngFile(
    2,
    3,
    Array.from({ length: 12 }, (_, i) => first + i),
  );

let folder = '';
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-images-'));
  await mkdir(path('deep'));
  await writeFile(path('a.png'), png(0));
  await writeFile(path('deep/b.png'), png(100));
  await writeFile(path('c.jpg'), COLOUR_JPEG);
  await writeFile(path('cut.jpg'), COLOUR_JPEG.subarray(0, 150));
  await writeFile(path('text.png'), 'no image');
  const tables = {
    plain: 'file,class_index\na.png,1\ndeep/b.png,0\n',
    named: 'label,file\ndog,a.png\ncat,deep/b.png\n1,c.jpg\n',
    missing: 'file,label\na.png,0\nz.png,1\n',
    damaged: 'file,label\ncut.jpg,0\n',
    other: 'file,label\ntext.png,0\n',
    high: 'file,label\na.png,0\n\na.png,2\n',
    word: 'file,label\na.png,0\na.png,bird\n',
    columns: 'name,kind\na.png,0\n',
    unnamed: '0\n1\n',
    nameless: 'file,label\n,1\n',
    empty: '',
  };
  for (const [name, text] of Object.entries(tables)) await writeFile(path(`${name}.csv`), text);
});
afterAll(() => rm(folder, { recursive: true }));

function load(table: string, options: Partial<ImagesOptions> = {}) {
  const base = { folder, labels: path(`${table}.csv`), shape: [2, 2, 3], classes: 2 };
  return loadImages({ ...base, shuffle: false, ...options });
}

describe('loadImages', () => {
  test('gives the files of a table in its order', async () => {
    const dataset = await load('plain', { batchSize: 2 });
    expect(dataset).toMatchObject({ length: 2, classes: 2, shape: [2, 2, 3], steps: 1 });
    for await (const { x, y } of dataset) {
      const rows = Array.from({ length: 12 }, (_, i) => i);
      expect([...x]).toEqual([...rows, ...rows.map((value) => value + 100)]);
      expect([...y]).toEqual([1, 0]);
    }
    expect((await load('plain', { limit: 1 })).length).toBe(1);
  });

  test('takes names of classes, and fits images as the preprocessing says', async () => {
    const preprocessing = { mean: [0.5], std: [0.25], resize: { shorterSide: 2 } };
    const dataset = await load('named', { classes: ['cat', 'dog'], preprocessing });
    expect([...dataset.y]).toEqual([1, 0, 1]);
    expect(dataset.labels).toEqual(['cat', 'dog']);
    expect(dataset.preprocessing).toEqual(preprocessing);
    expect(Math.abs(dataset.x[24]! - 200)).toBeLessThan(4);
  });

  test('makes grey of colours', async () => {
    const dataset = await load('plain', { shape: [2, 2, 1] });
    // 19595 · 0 + 38470 · 1 + 7471 · 2, and a half, of 65536: the luma of [0, 1, 2].
    expect([...dataset.x.subarray(0, 4)]).toEqual([1, 4, 7, 10]);
  });

  test.each<[string, Partial<ImagesOptions>, RegExp]>([
    ['none', {}, /^loadImages: expected a readable file at .*none.csv, got ENOENT/],
    ['missing', {}, /^loadImages: expected a readable file at .*z.png, got ENOENT/],
    ['damaged', {}, /^loadImages: .*cut.jpg: the file must be a whole JPEG, got /],
    ['other', {}, /^loadImages: .*text.png: the file must be a PNG or a JPEG, got bytes \[110,/],
    [
      'high',
      {},
      /^loadImages: .*high.csv: line 4: the class must be an integer in \[0, 1\], got 2/,
    ],
    ['word', {}, /^loadImages: .*word.csv: line 3: expected the index of a class, got bird$/],
    [
      'word',
      { classes: ['cat', 'dog'] },
      /^loadImages: .* line 3: expected the index of a class, or one of the names .*, got bird$/,
    ],
    ['columns', {}, /^loadImages: the first line of .* must name a column class_index or label, g/],
    ['unnamed', {}, /^loadImages: the first line of .*unnamed.csv must name a column file, got no/],
    ['nameless', {}, /^loadImages: .*nameless.csv: line 2: expected the name of a file, got not/],
    ['empty', {}, /^loadImages: there must be a label in .*empty.csv, got none$/],
    ['plain', { shape: [2, 2] }, /^loadImages: shape must be \[H,W,1\] or \[H,W,3\], got \[2,2\]$/],
    ['plain', { folder: 5 as never }, /^loadImages: folder must be a path, got 5$/],
    ['plain', { classes: 0 }, /^loadImages: classes must be an integer >= 1, got 0$/],
    ['plain', { classes: [] }, /^loadImages: classes must be a number or an array of names, got A/],
    [
      'plain',
      { preprocessing: { mean: [0, 0], std: [1] } },
      /^loadImages: preprocessing.mean must be an array of 1 or 3 finite numbers, got \[0,0\]$/,
    ],
    ['plain', { limit: 0 }, /^loadImages: limit must be an integer >= 1, got 0$/],
    ['plain', { path: 'x' } as never, /^loadImages: options are folder, .*, got path$/],
  ])('refuses %s %o', async (table, options, message) => {
    await expect(load(table, options)).rejects.toThrow(message);
  });
});

describeWithData('photos', ['imagenet-val/labels.csv'], () => {
  test('are loaded with their labels', async () => {
    const dataset = await loadImages({
      folder: join(dataFolder, 'imagenet-val'),
      labels: dataPath('imagenet-val/labels.csv'),
      shape: [64, 64, 3],
      classes: 1000,
      limit: 5,
      preprocessing: { mean: [0.5], std: [0.5], crop: { fraction: 0.875 } },
    });
    expect(dataset.x).toHaveLength(5 * 64 * 64 * 3);
    expect(dataset.y).toHaveLength(5);
  });
});
