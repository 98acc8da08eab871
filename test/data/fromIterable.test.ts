import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { fromIterable, type IterableOptions, type Sample } from '../../src/data/fromIterable.ts';
import { layers } from '../../src/nn/layers.ts';
import { evaluate } from '../../src/train/evaluate.ts';

/** Two values [i, 1000 + i], label i % 3, and never more than one array: a source may fill it again. */
function* counting(count: number): Generator<Sample> {
  const x = new Float32Array(2);
  for (let i = 0; i < count; i++) {
    x.set([i, 1000 + i]);
    yield { x, y: i % 3 };
  }
}

const bare = { source: () => counting(10), length: 10, shape: [2], classes: 3, batchSize: 4 };

function make(options: Partial<IterableOptions> = {}) {
  return fromIterable({ ...bare, ...options });
}

async function epochOf(dataset: Dataset): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const { x, y, size } of dataset) {
    const rows = Array.from({ length: size }, (_, i) => x[2 * i]!);
    rows.forEach((row, i) => {
      expect([x[2 * i + 1], y[i]]).toEqual([1000 + row, row % 3]);
    });
    batches.push(rows);
  }
  return batches;
}

const inOrder = [
  [0, 1, 2, 3],
  [4, 5, 6, 7],
  [8, 9],
];

describe('fromIterable', () => {
  test('keeps the order of the source', async () => {
    const dataset = make();
    expect(dataset).toMatchObject({ length: 10, steps: 3, classes: 3, shape: [2] });
    expect(await epochOf(dataset)).toEqual(inOrder);
    expect(await epochOf(dataset)).toEqual(inOrder);
    expect(dataset.epoch).toBe(2);
  });

  test('takes arrays and async generators, and stops a source that has more', async () => {
    const array = [...counting(12)].map(({ y }, i) => ({ x: Float32Array.of(i, 1000 + i), y }));
    expect(await epochOf(make({ source: array }))).toEqual(inOrder);
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield* counting(1000);
      } finally {
        closed = true;
      }
    }
    expect(await epochOf(make({ source: endless }))).toEqual(inOrder);
    expect(closed).toBe(true);
  });

  test('a loop that breaks closes the source', async () => {
    let closed = false;
    function* source() {
      try {
        yield* counting(10);
      } finally {
        closed = true;
      }
    }
    for await (const _ of make({ source })) break;
    expect(closed).toBe(true);
  });

  test.each([2, 5, 10, 50])('a shuffle buffer of %i gives every sample once', async (buffer) => {
    const dataset = make({ shuffleBuffer: buffer, seed: 3 });
    const first = (await epochOf(dataset)).flat();
    const second = (await epochOf(dataset)).flat();
    for (const rows of [first, second]) {
      expect([...rows].sort((a, b) => a - b)).toEqual(inOrder.flat());
      // What is drawn at i is one of the first i + buffer samples.
      rows.forEach((row, i) => {
        expect(row).toBeLessThan(i + buffer);
      });
    }
    expect(first).not.toEqual(inOrder.flat());
    expect(second).not.toEqual(first);
    expect((await epochOf(make({ shuffleBuffer: buffer, seed: 3 }))).flat()).toEqual(first);
  });

  test('uint8 samples have a normalization', async () => {
    const source = [{ x: Uint8Array.of(1, 2), y: 0 }];
    const options = { source, length: 1, dtype: 'u8' } as const;
    expect(make(options).preprocessing).toEqual({ mean: [0], std: [1] });
    const preprocessing = { mean: [0.5], std: [2] };
    expect(make({ ...options, preprocessing }).preprocessing).toEqual(preprocessing);
    for await (const batch of make(options)) expect(batch.x).toEqual(Uint8Array.of(1, 2));
  });

  test('its normalization and labels go into the graph, as those of arrays do', async () => {
    const preprocessing = { mean: [0.5], std: [2] };
    const about = { preprocessing, labels: ['a', 'b', 'c'] };
    const source = [{ x: Uint8Array.of(1, 2), y: 0 }];
    const stream = make({ source, length: 1, dtype: 'u8', ...about });
    const x = Uint8Array.of(1, 2);
    const arrays = fromArrays({ x, y: [0], shape: [2], classes: 3, ...about });
    for (const dataset of [stream, arrays]) {
      const net = layers.dense({ units: 3, kernelInitializer: 'ones' });
      const { loss } = await evaluate(net, dataset);
      // Three equal logits.
      expect(loss).toBeCloseTo(Math.log(3), 6);
      expect(net.build()).toMatchObject(about);
    }
  });

  test('real targets go with their samples, also through a buffer', async () => {
    const source = () =>
      [...Array(6).keys()].map((i) => ({ x: Float32Array.of(i, 0), y: [i, -i] }));
    const { classes: _, ...base } = { ...bare, source, length: 6, targetShape: [2], seed: 2 };
    for (const shuffleBuffer of [0, 3]) {
      const dataset = fromIterable({ ...base, shuffleBuffer });
      expect(dataset).toMatchObject({ classes: 0, targetShape: [2] });
      const seen: number[] = [];
      for await (const { x, y, size } of dataset) {
        expect(y).toBeInstanceOf(Float32Array);
        for (let i = 0; i < size; i++) {
          expect([y[2 * i], y[2 * i + 1]! + 0]).toEqual([x[2 * i], 0 - x[2 * i]!]);
          seen.push(x[2 * i]!);
        }
      }
      expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  test('token ids are whole numbers', async () => {
    const dataset = make({
      source: [{ x: Int32Array.of(70_000, 3), y: 0 }],
      length: 1,
      dtype: 'i32',
    });
    for await (const { x } of dataset) expect(x).toEqual(Int32Array.of(70_000, 3));
  });

  test.each<[unknown, RegExp]>([
    [0.5, /^fromIterable: sample 0 of epoch 0: y must have 2 values \[2\], got 1$/],
    [[1, Number.NaN], /^fromIterable: sample 0 of epoch 0: y\[1\] must be finite, got NaN$/],
    [undefined, /^fromIterable: sample 0 of epoch 0: y must have 2 values \[2\], got undefined$/],
  ])('refuses the targets %o', async (y, message) => {
    const source = [{ x: new Float32Array(2), y } as Sample];
    const { classes: _, ...base } = { ...bare, source, length: 1, targetShape: [2] };
    await expect(epochOf(fromIterable(base))).rejects.toThrow(message);
  });

  const one = (x: unknown, y: unknown) => ({ source: [{ x, y } as Sample], length: 1 });
  test.each<[Partial<IterableOptions>, RegExp]>([
    [
      { source: () => counting(7) },
      /^fromIterable: the source must give 10 samples in epoch 0, got 7$/,
    ],
    [{ source: [null as never] }, /^fromIterable: sample 0 of epoch 0: expected { x, y }, got nul/],
    [one([1, 2], 0), /^fromIterable: sample 0 of epoch 0: x must be a Float32Array, got Array$/],
    [one(new Uint8Array(2), 0), /^fromIterable: sample 0 .* x must be a Float32Array, got Uint8/],
    [one(new Float32Array(3), 0), /^fromIterable: sample 0 .* x must have 2 values \[2\], got 3$/],
    [one(new Float32Array(2), 3), /^fromIterable: sample 0 .* y must be .* \[0, 2\], got 3$/],
  ])('refuses samples %#', async (options, message) => {
    await expect(epochOf(make(options))).rejects.toThrow(message);
  });

  test('says that a generator can be read only once', async () => {
    const dataset = make({ source: counting(10) });
    await epochOf(dataset);
    await expect(epochOf(dataset)).rejects.toThrow(
      /^fromIterable: the source must give 10 samples in epoch 1, got 0$/,
    );
  });

  test.each<[Partial<IterableOptions>, RegExp]>([
    [
      { source: 5 as never },
      /^fromIterable: source must be an iterable of samples, or a .*, got 5$/,
    ],
    [{ length: 0 }, /^fromIterable: length must be an integer >= 1, got 0$/],
    [{ dtype: 'i8' as never }, /^fromIterable: dtype must be u8, i32 or f32, got "i8"$/],
    [{ shuffleBuffer: -1 }, /^fromIterable: shuffleBuffer must be an integer >= 0, got -1$/],
    [
      { preprocessing: { mean: [0], std: [1] } },
      /^fromIterable: preprocessing is for samples of u8, got f32$/,
    ],
    [
      { dtype: 'u8', preprocessing: { mean: [0], std: [0] } },
      /^fromIterable: preprocessing.std must not have a 0, got \[0\]$/,
    ],
    [{ augment: [() => {}] }, /^fromIterable: augment is for x of Uint8Array, got Float32Array$/],
    [{ targetShape: [1] }, /^fromIterable: classes or targetShape is expected, got both$/],
    [{ labels: ['a'] }, /^fromIterable: 3 labels, got 1$/],
    [{ lenght: 3 } as never, /^fromIterable: options are source, .*, got lenght$/],
  ])('refuses options %#', (options, message) => {
    expect(() => make(options)).toThrow(message);
  });
});
