import { expect, test } from 'vitest';
import { normalizeTable } from '../../src/core/preprocess.ts';
import { Rng } from '../../src/core/rng.ts';
import { type ArraysOptions, fromArrays } from '../../src/data/fromArrays.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { load } from '../../src/runtime/load.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';

const SEED = 121;
const preprocessing = { mean: [0.5, 0.25, 0.4], std: [0.25, 0.5, 0.2] };
const labels = ['a', 'b', 'c'];

const rng = new Rng(SEED);
const pixels = Uint8Array.from({ length: 20 * 5 * 4 * 3 }, () => rng.below(256));
const common = {
  y: Int32Array.from({ length: 20 }, () => rng.below(3)),
  ...{ shape: [5, 4, 3], classes: 3, batchSize: 8, shuffle: false },
} satisfies Omit<ArraysOptions, 'x'>;

const asPixels = () => fromArrays({ ...common, x: pixels, preprocessing, labels });

function asFloats() {
  const table = normalizeTable(preprocessing);
  const x = Float32Array.from(pixels, (pixel, i) => table[(i % 3) * 256 + pixel]!);
  return fromArrays({ ...common, x });
}

/** A model that was built, and quantized, before it saw data. */
function quantized() {
  const net = sequential([layers.flatten(), layers.dense({ units: 3 })], { seed: SEED });
  net.build([5, 4, 3]);
  return quantizeModel(net);
}

test('pixels are normalized as the data say, whichever call sees them first', async () => {
  const expected = await evaluate(quantized(), asFloats());
  expect(await evaluate(quantized(), asPixels())).toEqual(expected);

  const integers = async (dataset: ReturnType<typeof fromArrays>) => {
    const seen: number[] = [];
    await visitIntegers(quantized(), dataset, (_, read, names) => {
      for (const name of names) seen.push(...read(name));
    });
    return seen;
  };
  expect(await integers(asPixels())).toEqual(await integers(asFloats()));
});

test('the bundle normalizes them too and knows the labels', async () => {
  const model = quantized();
  await model.calibrate(asPixels());
  const { graph, toBytes } = convert(model);
  expect([graph.preprocessing, graph.labels]).toEqual([preprocessing, labels]);
  const session = await load(toBytes(), { batch: 4 });
  await visitIntegers(model, asPixels(), ({ x, size }, read) => {
    for (let i = 0; i < size; i += 4) {
      const { output } = session.run({ input: x.subarray(i * 60, (i + 4) * 60) as Uint8Array });
      expect(output).toEqual(read('dense').subarray(i * 3, (i + 4) * 3));
    }
  });
});

test('a graph keeps the first it heard', async () => {
  const model = quantized();
  await model.calibrate(asPixels());
  const other = { mean: [0, 0, 0], std: [1, 1, 1] };
  await evaluate(model, fromArrays({ ...common, x: pixels, preprocessing: other }));
  expect(model.graph.preprocessing).toEqual(preprocessing);
});

test('labels that are not as many as the outputs are refused before they are trained or shipped', async () => {
  const few = ['a', 'b'];
  const expected = 'there must be a label for each entry of the output \\(3\\), got 2$';
  const data = fromArrays({ ...common, x: pixels, preprocessing });
  const net = { ...quantized().graph, labels: few, quantizers: new Map() };
  await expect(fit(net, data)).rejects.toThrow(new RegExp(`^fit: ${expected}`));
  const model = quantized();
  await model.calibrate(Object.assign(data, { labels: few }));
  expect(() => convert(model)).toThrow(new RegExp(`^convert: ${expected}`));
});
