import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { type CifarOptions, loadCifar10, loadCifar100, parseCifar } from '../../src/data/cifar.ts';

const PLANE = 1024;

/** Records with random pixels, of these bytes of labels each. */
function records(labels: readonly (readonly number[])[]): Uint8Array {
  const rng = new Rng(2);
  const all = labels.map((bytes) => [
    ...bytes,
    ...Array.from({ length: 3 * PLANE }, () => rng.below(256)),
  ]);
  return Uint8Array.from(all.flat());
}

describe('parseCifar', () => {
  test.each([
    { classes: 10 as const, labels: [[3], [9]], expected: [3, 9] },
    {
      classes: 100 as const,
      labels: [
        [1, 99],
        [19, 0],
      ],
      expected: [99, 0],
    },
  ])('turns the planes of $classes classes into pixels', ({ classes, labels, expected }) => {
    const file = records(labels);
    const { x, y } = parseCifar(file, classes);
    expect([...y]).toEqual(expected);
    const record = file.length / 2;
    const skip = record - 3 * PLANE;
    for (const [i, row, column, c] of [
      [0, 0, 0, 0],
      [0, 31, 30, 2],
      [1, 5, 7, 1],
      [1, 31, 31, 2],
    ] as const) {
      const from = i * record + skip + c * PLANE + row * 32 + column;
      expect(x[((i * 32 + row) * 32 + column) * 3 + c]).toBe(file[from]);
    }
  });

  test.each<[Uint8Array, 10 | 100, RegExp]>([
    [new Uint8Array(0), 10, /^cifar: the file must be whole records of 3073 bytes, got 0$/],
    [records([[0]]).subarray(1), 10, /^cifar: the file must be whole records of 3073 .* got 3072$/],
    [records([[0]]), 100, /^cifar: the file must be whole records of 3074 bytes, got 3073$/],
    [
      records([[0], [10]]),
      10,
      /^cifar: the label of record 1 must be an integer in \[0, 9\], got 10$/,
    ],
    [records([[0, 100]]), 100, /^cifar: the label of record 0 must be .* \[0, 99\], got 100$/],
    [records([[0]]), 11 as never, /^cifar: classes must be 10 or 100, got 11$/],
    [[] as never, 10, /^cifar: a Uint8Array, got Array$/],
  ])('refuses %#', (bytes, classes, message) => {
    expect(() => parseCifar(bytes, classes)).toThrow(message);
  });
});

describe('a folder of CIFAR files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-cifar-'));
    for (let i = 1; i <= 5; i++) {
      await writeFile(join(folder, `data_batch_${i}.bin`), records([[i], [i + 1]]));
    }
    await writeFile(join(folder, 'test_batch.bin.gz'), gzipSync(records([[7]])));
    await writeFile(join(folder, 'train.bin'), records([[1, 42]]));
    await writeFile(join(folder, 'cut.bin'), records([[7]]).subarray(0, 3000));
    await mkdir(join(folder, 'empty'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('gives the parts one after another', async () => {
    const train = await loadCifar10({ data: folder, split: 'train', shuffle: false });
    expect(train).toMatchObject({ shape: [32, 32, 3], classes: 10, length: 10 });
    expect([...train.y]).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    expect(train.labels![9]).toBe('truck');
    expect(train.preprocessing!.mean).toHaveLength(3);
    const few = await loadCifar10({ data: folder, split: 'train', shuffle: false, limit: 3 });
    expect([...few.y]).toEqual([1, 2, 2]);
    expect(few.x).toEqual(train.x.subarray(0, few.x.length));
    const hundred = await loadCifar100({ data: folder, split: 'train' });
    expect([...hundred.y]).toEqual([42]);
  });

  test('reads .gz, files of other names, and takes another normalization', async () => {
    expect((await loadCifar10({ data: folder, split: 'test' })).length).toBe(1);
    const preprocessing = { mean: [0.5], std: [0.25] };
    const named = await loadCifar10({
      data: folder,
      split: 'test',
      files: ['data_batch_2.bin'],
      preprocessing,
    });
    expect(named.preprocessing).toEqual(preprocessing);
    expect([...named.y]).toEqual([2, 3]);
  });

  test.each<[Partial<CifarOptions>, RegExp]>([
    [{ data: undefined as never }, /^cifar10: data must be a folder with the .bin files, got unde/],
    [{ split: 'all' as never }, /^cifar10: split must be train or test, got all$/],
    [{ files: [] }, /^cifar10: files must be an array of names, got Array$/],
    [{ files: 'a.bin' as never }, /^cifar10: files must be an array of names, got "a.bin"$/],
    [
      { files: ['cut.bin'] },
      /^cifar10: cut.bin: the file must be whole records of 3073 bytes, got 3000$/,
    ],
    [
      { files: ['none.bin'] },
      /^cifar10: expected none.bin or none.bin.gz in .*, got a folder without it$/,
    ],
    [{ fils: [] } as never, /^cifar10: options are split, .*, got fils$/],
  ])('refuses %o', async (options, message) => {
    await expect(loadCifar10({ data: folder, split: 'test', ...options })).rejects.toThrow(message);
  });
});
