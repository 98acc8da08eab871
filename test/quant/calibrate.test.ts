import { describe, expect, test } from 'vitest';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { crossEntropy } from '../../src/nn/crossEntropy.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import type { CalibrateOptions } from '../../src/quant/calibrate.ts';
import { type CalibratorName, calibrators } from '../../src/quant/calibrators.ts';
import { convert } from '../../src/quant/convert.ts';
import { type QuantizeOptions, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, networks, SAMPLE, unsettle } from './networks.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const SEED = 67;

/** Two batches of one feature: [−1 … 3] and [−2 … 30], most values near 0 and within [−1, 1]. */
function feature() {
  const half = 20_000;
  const x = Float32Array.from({ length: 2 * half }, (_, i) => ((2 * (i % half)) / half - 1) ** 3);
  [x[0], x[1], x[half], x[half + 1]] = [-1, 3, -2, 30];
  const options = { shape: [1], classes: 2, batchSize: half, shuffle: false };
  return fromArrays({ x, y: new Int32Array(2 * half), ...options });
}

/** [lo, hi] of the input's grid. */
async function inputRange(options: CalibrateOptions, scheme: QuantizeOptions = {}) {
  const model = quantizeModel(sequential([layers.dense({ units: 2 })]).build([1]), scheme);
  await model.calibrate(feature(), options);
  const spec = model.graph.quantizers.get(model.graph.inputs[0]!)!;
  const [scale, zero] = [spec.scale.data[0]!, Math.round(spec.zeroPoint!.data[0]!)];
  return [(spec.qmin - zero) * scale, (spec.qmax - zero) * scale] as const;
}

describe('the range of activations', () => {
  // Each end may be nudged by half a step of the grid, which spans hi − lo in 255 steps.
  const near = (got: readonly number[], [lo, hi]: readonly [number, number]) => {
    const step = (hi - lo) / 255;
    expect(Math.abs(got[0]! - lo)).toBeLessThanOrEqual(step);
    expect(Math.abs(got[1]! - hi)).toBeLessThanOrEqual(step);
  };

  test('minMax holds all', async () => {
    near(await inputRange({ method: 'minMax' }), [-2, 30]);
  });

  test('movingAverage is the mean of the bounds of batches, the later with a little more weight', async () => {
    // Weights of the two: 0.99 and 1, divided by their sum.
    const mean = (a: number, b: number) => (0.99 * a + b) / 1.99;
    near(await inputRange({ method: 'movingAverage' }), [mean(-1, -2), mean(3, 30)]);
  });

  test('percentile cuts off outliers: here 2 of 40,000 values', async () => {
    near(await inputRange({ method: 'percentile', percentile: 100 }), [-2, 30]);
    const [lo, hi] = await inputRange({ method: 'percentile', percentile: 99.99 });
    // Bins are 32/2048 wide.
    expect(lo).toBeGreaterThanOrEqual(-1.05);
    expect(hi).toBeLessThanOrEqual(1.05);
  });

  test('mse cuts off too, the less the more bits there are', async () => {
    const width = async (options: CalibrateOptions, bits: number) => {
      const [lo, hi] = await inputRange(options, { activations: { bits }, edgeBits: 2 });
      return hi - lo;
    };
    const [at8, at3] = [await width({ method: 'mse' }, 8), await width({ method: 'mse' }, 3)];
    expect(at3).toBeLessThan(at8);
  });

  test('entropy cuts off too, but nothing of what the graph is given', async () => {
    const graph = sequential([layers.dense({ units: 1 })]).build([1]);
    const [kernel] = [...graph.parameters.values()];
    kernel!.data[0] = 1;
    const model = quantizeModel(graph);
    await model.calibrate(feature(), { method: 'entropy' });
    const [given, made] = [graph.inputs[0]!, graph.outputs[0]!].map((id) => {
      return model.graph.quantizers.get(id)!.scale.data[0]! * 255;
    });
    expect(given).toBeGreaterThanOrEqual(32);
    expect(made).toBeLessThan(8);
  });

  test('learned ranges start from mse, the others from minMax', async () => {
    expect(await inputRange({})).toEqual(await inputRange({ method: 'mse' }));
    const scheme = { method: 'movingAverage' } as const;
    expect(await inputRange({}, scheme)).toEqual(await inputRange({ method: 'minMax' }, scheme));
  });
});

test.each(['movingAverage', 'minMax'] as const)(
  'training by %s goes on from the range that calibration chose',
  async (method) => {
    const model = quantizeModel(sequential([layers.dense({ units: 2 })]).build([1]), { method });
    const two = feature();
    const data = fromArrays({
      ...two.options,
      x: two.options.x.slice(0, 20_000),
      y: new Int32Array(20_000),
    });
    await model.calibrate(data, { method: 'percentile' });
    const { scale } = model.graph.quantizers.get(model.graph.inputs[0]!)!;
    const before = scale.data[0]! * 255;
    const settings = { optimizer: sgd({ learningRate: 0 }), loss: crossEntropy() };
    await fit(model, data, { epochs: 1, ...settings });
    // The step has −1 … 3. One batch has been seen before it, which weighs 0.99 to its 1.
    const expected = { movingAverage: (before * 0.99 + 4) / 1.99, minMax: 4 };
    expect(before).toBeLessThan(2.1);
    expect(Math.abs(scale.data[0]! * 255 - expected[method])).toBeLessThan(4 / 255);
  },
);

test('weights: minMax holds the largest of each channel, mse may cut it off', async () => {
  const net = sequential([layers.dense({ units: 3 })], { seed: SEED }).build([20]);
  const model = quantizeModel(net, { weights: { bits: 4 }, edgeBits: 4 });
  const data = fromArrays({
    x: new Float32Array(40).fill(1),
    y: new Int32Array(2),
    shape: [20],
    classes: 3,
  });
  const spec = [...model.graph.quantizers.values()].find(({ target }) => target === 'weight')!;
  const [kernel] = [...net.parameters.values()].filter(({ shape }) => shape.length === 2);
  const largest = [0, 1, 2].map((c) =>
    Math.fround(Math.max(...Array.from(kernel!.data.slice(20 * c, 20 * c + 20), Math.abs)) / 7),
  );
  await model.calibrate(data, { weights: 'minMax' });
  expect([...spec.scale.data]).toEqual(largest);
  await model.calibrate(data);
  spec.scale.data.forEach((scale, c) => {
    expect(scale).toBeLessThanOrEqual(largest[c]!);
  });
  expect([...spec.scale.data]).not.toEqual(largest);
});

describe.each(Object.keys(calibrators) as CalibratorName[])('calibrated with %s', (method) => {
  // Every fourth network: what a range is does not depend on the ops, and other tests have all of them.
  const names = Object.keys(networks).filter((_, i) => i % 4 === 0);
  test.each(names)('%s: evaluation is the shipped model', async (name) => {
    const net = networks[name]!()(SEED);
    unsettle(net.build(SAMPLE), SEED);
    const model = quantizeModel(net);
    await model.calibrate(blobs(48, SEED), { method });
    const { graph } = convert(model);
    for (const run of [runtime(), interpreter]) {
      const parity = await compareParity(model, graph, blobs(20, SEED + 1), run);
      expect(parity.first).toBeUndefined();
      expect(parity.mismatching).toBe(0);
    }
  });
});

test.each<[CalibrateOptions, string]>([
  [
    { method: 'kl' as never },
    'calibrate: method must be one of minMax, movingAverage, mse, percentile, entropy, got "kl"',
  ],
  [{ percentile: 101 }, 'calibrate: percentile must be a finite number in [50, 100], got 101'],
  [{ percentile: 50 }, 'calibrate: percentile must be above 50, got 50'],
  [
    { weights: 'percentile' as never },
    'calibrate: weights must be one of mse, minMax, got "percentile"',
  ],
  [
    { percent: 99 } as never,
    'calibrate: options are method, percentile, weights, biasCorrection, got percent',
  ],
])('%j is refused', async (options, message) => {
  const model = quantizeModel(sequential([layers.dense({ units: 2 })]).build([1]));
  await expect(model.calibrate(feature(), options)).rejects.toThrow(message);
});
