import { describe, expect, test } from 'vitest';
import type { Batch, Dataset } from '../../src/data/dataset.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { load } from '../../src/runtime/load.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 131;
const { globalAveragePool2d, dense } = layers;

const network = () => sequential([globalAveragePool2d(), dense({ units: 5 })], { seed: SEED });

function quantized() {
  const net = network();
  net.build(SAMPLE);
  return quantizeModel(net);
}

/** A dataset that a user wrote: batches of 4 samples with `change` in them. */
function own(change: Partial<Record<keyof Batch, unknown>>): Dataset {
  return {
    ...{ length: 8, batchSize: 4, steps: 2, shape: SAMPLE, classes: 3, seed: 0, epoch: 0 },
    async *[Symbol.asyncIterator]() {
      this.epoch++;
      for await (const batch of blobs(8, SEED, 4)) yield { ...batch, ...change } as Batch;
    },
  };
}

const SIZE = 4 * 9 * 8 * 3;

describe('a batch that does not fit', () => {
  const samples: [Partial<Record<keyof Batch, unknown>>, string][] = [
    [
      { x: new Float32Array(SIZE + 1) },
      `x of a batch must have ${SIZE} values (4 samples of [9,8,3]), got ${SIZE + 1}`,
    ],
    [
      { x: new Float64Array(SIZE) },
      'x of a batch must be a Uint8Array, Int32Array or Float32Array, got Float64Array',
    ],
    [{ x: new Uint8Array(SIZE) }, 'a Dataset of uint8 samples must have preprocessing, got none'],
    [{ size: 0 }, 'size of a batch must be an integer >= 1, got 0'],
    [
      { size: 5 },
      `x of a batch must have ${(SIZE / 4) * 5} values (5 samples of [9,8,3]), got ${SIZE}`,
    ],
  ];
  const labels: typeof samples = [
    [{ y: Int32Array.of(0, 1, 2) }, 'y of a batch must have 4 labels, got 3'],
    [{ y: undefined }, 'y of a batch must have 4 labels, got undefined'],
    [{ y: Int32Array.of(0, 1, 5, 0) }, 'y[2] of a batch must be an integer in [0, 4], got 5'],
    [{ y: Int32Array.of(0, -1, 2, 0) }, 'y[1] of a batch must be an integer in [0, 4], got -1'],
    [{ y: [0, 0.5, 2, 0] }, 'y[1] of a batch must be an integer in [0, 4], got 0.5'],
  ];

  test.each([...samples, ...labels])(
    '%o is one clear sentence of fit and evaluate',
    async (change, expected) => {
      const net = network();
      const before = parametersOf(net.build(SAMPLE)).map(({ data }) => data.slice());
      await expect(fit(net, own(change))).rejects.toThrow(`fit: ${expected}`);
      expect(parametersOf(net.build()).map(({ data }) => data)).toEqual(before);
      await expect(evaluate(net, own(change))).rejects.toThrow(`evaluate: ${expected}`);
    },
  );

  test.each(samples)('%o is one clear sentence of calibrate', async (change, expected) => {
    const model = quantized();
    await expect(model.calibrate(own(change))).rejects.toThrow(`calibrate: ${expected}`);
    expect(model.calibrated).toBe(false);
  });

  test.each(labels)('%o is one clear sentence of visitIntegers', async (change, expected) => {
    const visit = visitIntegers(quantized(), own(change), () => {});
    await expect(visit).rejects.toThrow(`visitIntegers: ${expected}`);
  });

  test('the labels of a model may go up to its outputs', async () => {
    expect(await fit(network(), own({ y: Int32Array.of(4, 4, 4, 4) }))).toHaveLength(1);
  });
});

describe('epoch', () => {
  test('stays where it was when data are only looked at, also by two at once', async () => {
    for (const dataset of [blobs(32, SEED), own({})]) {
      dataset.epoch = 3;
      const model = quantized();
      await model.calibrate(dataset);
      await Promise.all([evaluate(model, dataset), evaluate(network(), dataset)]);
      await visitIntegers(model, dataset, () => {});
      expect(dataset.epoch).toBe(3);
    }
  });

  test('calibration before training leaves the order of training as it is', async () => {
    const train = async (calibrated: boolean) => {
      const data = blobs(32, SEED);
      const model = quantized();
      if (calibrated) await model.calibrate(data);
      await fit(model, data);
      expect(data.epoch).toBe(1);
      return parametersOf(model.graph).map(({ data }) => data);
    };
    expect(await train(true)).toEqual(await train(false));
  });
});

test('pixels without preprocessing are pixel / 255, in training and in the bundle', async () => {
  const x = Uint8Array.from({ length: 2 * SIZE }, (_, i) => (i * 37) % 256);
  const dataset = fromArrays({ x, y: [0, 1, 2, 0, 1, 2, 0, 1], shape: SAMPLE, classes: 3 });
  expect(dataset.preprocessing).toEqual({ mean: [0], std: [1] });
  const net = network();
  await fit(net, dataset);
  const model = quantizeModel(net);
  await evaluate(model, dataset);
  const session = await load(convert(model).toBytes(), { batch: 8 });
  dataset.epoch = 0;
  await visitIntegers(model, dataset, (batch, read) => {
    const { output } = session.run({ input: batch.x as Uint8Array });
    expect(output).toEqual(read('dense'));
  });
});
