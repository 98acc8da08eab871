import { expect, test } from 'vitest';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { estimateStatistics } from '../../src/train/estimateStatistics.ts';

const x = Float32Array.from([1, 2, 3, 6, 5, 10, 7, 14]);

function dataset(batchSize: number) {
  return fromArrays({ x, y: [0, 0, 1, 1], shape: [2], classes: 2, batchSize, shuffle: false });
}

const net = () =>
  sequential([
    layers.batchNormalization(),
    layers.dense({ units: 2, kernelInitializer: 'ones', useBias: false }),
    layers.batchNormalization({ momentum: 0.5 }),
  ]);

/** Moving mean and variance of each norm. */
function statistics(model: ReturnType<typeof net>): number[][] {
  return [...model.build([2]).parameters.values()]
    .filter(({ name }) => name.includes('moving'))
    .map(({ data }) => Array.from(data));
}

test('one batch: the statistics are those of the data, and of what the first norm makes of it', async () => {
  const model = net();
  await estimateStatistics(model, dataset(4));
  const [mean, variance, mean2, variance2] = statistics(model);
  expect(mean).toEqual([4, 8]);
  // Unbiased: (9 + 1 + 1 + 9) / 3, and four times that.
  expect(variance![0]).toBeCloseTo(20 / 3, 5);
  expect(variance![1]).toBeCloseTo(80 / 3, 5);
  // Both channels hold the same numbers a = (x − 4)/sqrt(5 + 0.001) but for epsilon, and the layer adds them.
  expect(mean2![0]).toBeCloseTo(0, 5);
  expect(variance2![0]).toBeCloseTo((4 / 3) * 4, 2);
});

test('two batches: the mean of both, whatever the statistics were and the momentum is', async () => {
  const model = net();
  for (const { name, data } of model.build([2]).parameters.values()) {
    if (name.includes('moving')) data.fill(77);
  }
  await estimateStatistics(model, dataset(2));
  const [mean, variance] = statistics(model);
  expect(mean).toEqual([4, 8]);
  expect(variance).toEqual([2, 8]);
});

test('moves nothing else', async () => {
  const model = net();
  const others = () =>
    [...model.build([2]).parameters.values()]
      .filter(({ name }) => !name.includes('moving'))
      .map(({ data }) => Array.from(data));
  const before = others();
  await estimateStatistics(model, dataset(2));
  expect(others()).toEqual(before);
});

test('a quantized model is refused', async () => {
  const model = net();
  model.build([2]);
  await expect(estimateStatistics(quantizeModel(model) as never, dataset(2))).rejects.toThrow(
    /^estimateStatistics: a float model is expected, got a quantized one$/,
  );
});
