import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { takeSamples } from '../../src/data/dataset.ts';
import { type ArraysOptions, fromArrays, subset } from '../../src/data/fromArrays.ts';

/** n samples of two pixels [i, 255 − i] with label i % 3. */
function numbered(n: number, options: Partial<ArraysOptions> = {}) {
  const x = Uint8Array.from({ length: 2 * n }, (_, i) => (i % 2 ? 255 - (i >> 1) : i >> 1));
  const y = Array.from({ length: n }, (_, i) => i % 3);
  return fromArrays({ x, y, shape: [2], classes: 3, batchSize: 4, ...options });
}

/** First pixels of one epoch, batch by batch. */
async function epochOf(dataset: Dataset): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const { x, y, size } of dataset) {
    expect([x.length, y.length]).toEqual([2 * size, size]);
    const rows = Array.from({ length: size }, (_, i) => x[2 * i]!);
    rows.forEach((row, i) => {
      expect([x[2 * i + 1], y[i]]).toEqual([255 - row, row % 3]);
    });
    batches.push(rows);
  }
  return batches;
}

describe('fromArrays', () => {
  test('in order without shuffle, with a smaller last batch', async () => {
    const dataset = numbered(6, { shuffle: false });
    expect(dataset).toMatchObject({ length: 6, steps: 2, batchSize: 4, shape: [2], classes: 3 });
    expect(await epochOf(dataset)).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
  });

  test('dropRemainder leaves the smaller batch out', async () => {
    const dataset = numbered(6, { shuffle: false, dropRemainder: true });
    expect(dataset.steps).toBe(1);
    expect(await epochOf(dataset)).toEqual([[0, 1, 2, 3]]);
  });

  test('every epoch holds every sample once', async () => {
    const sizes = {
      n: fc.integer({ min: 1, max: 100 }),
      batchSize: fc.integer({ min: 1, max: 120 }),
    };
    const property = fc.asyncProperty(fc.record(sizes), async ({ n, batchSize }) => {
      const dataset = numbered(n, { batchSize });
      const batches = await epochOf(dataset);
      expect(batches).toHaveLength(dataset.steps);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    });
    await fc.assert(property, { seed: 1, numRuns: 50 });
  });

  test('the order depends on seed and epoch alone', async () => {
    const dataset = numbered(50, { seed: 5 });
    const first = await epochOf(dataset);
    const second = await epochOf(dataset);
    expect(dataset.epoch).toBe(2);
    expect(second).not.toEqual(first);
    dataset.epoch = 1;
    expect(await epochOf(dataset)).toEqual(second);
    expect(await epochOf(numbered(50, { seed: 5 }))).toEqual(first);
    expect(await epochOf(numbered(50, { seed: 6 }))).not.toEqual(first);
    expect(await epochOf(numbered(50, { seed: 6 }))).not.toEqual(second);
  });

  test('an abandoned epoch counts', async () => {
    const dataset = numbered(50);
    for await (const _ of dataset) break;
    expect(dataset.epoch).toBe(1);
  });

  test('uses one pair of arrays for all batches', async () => {
    const buffers = new Set<ArrayBufferLike>();
    for await (const { x } of numbered(50)) buffers.add(x.buffer);
    expect(buffers.size).toBe(1);
  });

  test('two iterations that overlap each see every sample once', async () => {
    const dataset = numbered(10);
    const seen: number[][] = [[], []];
    const both = seen.map(() => dataset[Symbol.asyncIterator]());
    for (let step = 0; step < dataset.steps; step++) {
      const batches = await Promise.all(both.map((batches) => batches.next()));
      batches.forEach(({ value }, i) => {
        seen[i]!.push(...value!.x.filter((_: number, at: number) => at % 2 === 0));
      });
    }
    const all = Array.from({ length: 10 }, (_, i) => i);
    for (const rows of seen) expect(rows.sort((a, b) => a - b)).toEqual(all);
  });

  test('takes f32', async () => {
    const x = Float32Array.of(0.5, -1);
    const dataset = fromArrays({ x, y: [0], shape: [2], classes: 1 });
    for await (const batch of dataset) expect(batch.x).toEqual(x);
  });

  test.each<[Partial<ArraysOptions>, RegExp]>([
    [{ x: new Uint8Array(5) }, /^fromArrays: x must have 4 values \(2 samples of \[2\]\), got 5$/],
    [
      { x: [1, 2, 3, 4] as never },
      /^fromArrays: x must be a Uint8Array, Int32Array or Float32Array, got Array$/,
    ],
    [{ labels: ['a', 'b'] }, /^fromArrays: 3 labels, got 2$/],
    [{ labels: 'abc' as never }, /^fromArrays: labels must be an array, got "abc"$/],
    [{ y: [0, 3] }, /^fromArrays: y\[1\] must be an integer in \[0, 2\], got 3$/],
    [{ y: [0, Number.NaN] }, /^fromArrays: y\[1\] must be an integer in \[0, 2\], got NaN$/],
    [{ y: ['1', '2'] as never }, /^fromArrays: y\[0\] must be an integer in \[0, 2\], got "1"$/],
    [{ y: undefined as never }, /^fromArrays: y must be an array of class indices, got undefined$/],
    [{ y: null as never }, /^fromArrays: y must be an array of class indices, got null$/],
    [{ y: 'ab' as never }, /^fromArrays: y must be an array of class indices, got "ab"$/],
    [
      { shape: undefined as never },
      /^fromArrays: shape must be an array of integers, got undefined$/,
    ],
    [{ shape: 2 as never }, /^fromArrays: shape must be an array of integers, got 2$/],
    [{ classes: '3' as never }, /^fromArrays: classes must be an integer >= 1, got "3"$/],
    [
      { x: new Float64Array(4) as never },
      /^fromArrays: x must be a Uint8Array, Int32Array or Float32Array, got Float64Array$/,
    ],
    [
      { preprocessing: { mean: [0], std: [0] } },
      /^fromArrays: preprocessing.std must not have a 0, got \[0\]$/,
    ],
    [
      { preprocessing: { mean: [0, 0, 0], std: [1] } },
      /^fromArrays: preprocessing.mean must be an array of 1 or 2 finite numbers, got \[0,0,0\]$/,
    ],
    [
      { preprocessing: { mean: [0], std: [Number.NaN] } },
      /^fromArrays: preprocessing.std must be an array of 1 or 2 finite numbers, got \[NaN\]$/,
    ],
    [
      { preprocessing: { mean: 0.5, std: [1] } as never },
      /^fromArrays: preprocessing.mean must be an array of 1 or 2 finite numbers, got 0.5$/,
    ],
    [
      { preprocessing: { mean: [0], std: [1], scale: 2 } as never },
      /^fromArrays: preprocessing: options are mean, std, crop, resize, got scale$/,
    ],
    [
      { x: new Float32Array(4), preprocessing: { mean: [0], std: [1] } },
      /^fromArrays: preprocessing is for x of Uint8Array, got Float32Array$/,
    ],
    [{ y: [] }, /^fromArrays: there must be a sample, got none$/],
    [{ batchSize: 0 }, /^fromArrays: batchSize must be an integer >= 1, got 0$/],
    [{ batchSize: 8, dropRemainder: true }, /^fromArrays: an epoch must have a batch, got none$/],
    [{ shape: [1.5] }, /^fromArrays: extents of shape must be an integer >= 1, got 1.5$/],
    [{ bacthSize: 3 } as never, /^fromArrays: options are x, y, .*, got bacthSize$/],
  ])('refuses %o', (options, message) => {
    expect(() => numbered(2, options)).toThrow(message);
  });

  test('refuses a call without options', () => {
    expect(() => fromArrays(undefined as never)).toThrow(
      /^fromArrays: options must be an object, got undefined$/,
    );
  });
});

describe('takeSamples', () => {
  test('copies the same samples whatever the epoch, and leaves it', async () => {
    const dataset = numbered(50);
    const first = await takeSamples(dataset, 10);
    expect([first.x.length, first.y.length]).toEqual([20, 10]);
    dataset.epoch = 7;
    expect(await takeSamples(dataset, 10)).toEqual(first);
    expect(dataset.epoch).toBe(7);
    const [batch] = await epochOf(numbered(50));
    expect([...first.x.filter((_, i) => i % 2 === 0)].slice(0, 4)).toEqual(batch);
  });

  test('gives all there are', async () => {
    expect((await takeSamples(numbered(5), 10)).y).toHaveLength(5);
  });

  test('refuses a count of 0', async () => {
    await expect(takeSamples(numbered(5), 0)).rejects.toThrow(
      /^takeSamples: the count must be an integer >= 1, got 0$/,
    );
  });
});

test('subset keeps the options', async () => {
  const part = subset(numbered(10, { shuffle: false, batchSize: 3 }), 2, 7);
  expect(await epochOf(part)).toEqual([
    [2, 3, 4],
    [5, 6],
  ]);
  expect(() => subset(numbered(10), 3, 3)).toThrow(
    /^subset: to must be an integer in \[4, 10\], got 3$/,
  );
});
