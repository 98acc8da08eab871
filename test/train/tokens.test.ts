import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { SampleArray } from '../../src/data/dataset.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { load } from '../../src/runtime/load.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';

const SEED = 53;
const [COUNT, STEPS, WORDS] = [120, 6, 9];

/** Whether word 4 is among the words of a sample. */
function sentences(kind: Int32ArrayConstructor | Float32ArrayConstructor) {
  const rng = new Rng(SEED);
  const x: SampleArray = new kind(COUNT * STEPS).map(() => rng.below(WORDS));
  const y = Array.from({ length: COUNT }, (_, n) =>
    Number(x.subarray(n * STEPS, (n + 1) * STEPS).includes(4)),
  );
  return fromArrays({ x, y, shape: [STEPS], classes: 2, batchSize: 20, seed: SEED });
}

/** Trained in float and quantized; its weights, score and bundle. */
async function train(kind: Int32ArrayConstructor | Float32ArrayConstructor) {
  const net = sequential(
    [
      layers.embedding({ inputDimension: WORDS, outputDimension: 8 }),
      layers.globalMaxPool1d(),
      layers.dense({ units: 2 }),
    ],
    { seed: SEED },
  );
  const data = sentences(kind);
  await fit(net, data, { epochs: 15, optimizer: adam({ learningRate: 0.02 }) });
  const quantized = quantizeModel(net);
  await fit(quantized, data, { epochs: 2, optimizer: adam({ learningRate: 0.002 }) });
  const weights = parametersOf(net.build()).map((parameter) => [...parameter.data]);
  const { top1 } = await evaluate(quantized, data);
  return { weights, top1, bytes: convert(quantized).toBytes() };
}

test('token ids are whole numbers or reals, with the same result', async () => {
  const [whole, real] = [await train(Int32Array), await train(Float32Array)];
  // Half of the samples are of either class.
  expect(whole.top1).toBeGreaterThan(0.9);
  expect(whole).toEqual(real);
  const session = await load(whole.bytes, { batch: COUNT });
  const { x, y } = sentences(Int32Array);
  const { output } = session.run({ input: x as Int32Array });
  const right = Array.from(y).filter((label, n) => {
    return Number(output![2 * n + 1]! > output![2 * n]!) === label;
  });
  expect(right.length / COUNT).toBeCloseTo(whole.top1!, 10);
});
