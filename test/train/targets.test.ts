import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { takeSamples } from '../../src/data/dataset.ts';
import { fromArrays, subset } from '../../src/data/fromArrays.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { losses } from '../../src/nn/losses.ts';
import { sequential } from '../../src/nn/models.ts';
import { adam, sgd } from '../../src/optim/optimizer.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { withTeacher } from '../../src/train/withTeacher.ts';
import { blobs } from '../quant/networks.ts';

const SEED = 31;
const COUNT = 96;
const { dense, flatten } = layers;

/** y = (x0 − 2·x1, 0.5·x2 + 1) */
function line() {
  const rng = new Rng(SEED);
  const x = Float32Array.from({ length: 3 * COUNT }, () => 2 * rng.uniform() - 1);
  const y = Array.from({ length: COUNT }, (_, n) => {
    const [a, b, c] = x.subarray(3 * n) as unknown as [number, number, number];
    return [a - 2 * b, 0.5 * c + 1];
  }).flat();
  return fromArrays({ x, y, shape: [3], targetShape: [2], batchSize: 20, seed: SEED });
}

test.each([losses.mse(), losses.mae(), losses.huber()])(
  'a line is found with $name',
  async (loss) => {
    const model = sequential([dense({ units: 2 })], { seed: SEED });
    const data = line();
    const history = await fit(model, data, {
      epochs: 60,
      loss,
      optimizer: adam({ learningRate: 0.05 }),
      validation: data,
    });
    const last = history.at(-1)!;
    expect(last.mae).toBeLessThan(0.1);
    expect(last.validation!.mae).toBeLessThan(0.1);
    expect(last).not.toHaveProperty('accuracy');
    expect(last.validation).not.toHaveProperty('top1');
    expect(await evaluate(model, data, { loss })).toEqual(last.validation);
  },
);

test('subsets and samples keep targets with their samples', async () => {
  const data = line();
  const part = subset(data, 4, 9);
  expect([part.length, part.y.length, part.classes]).toEqual([5, 10, 0]);
  expect([...part.y]).toEqual([...data.y.subarray(8, 18)]);
  const { x, y } = await takeSamples(part, 3);
  for (let n = 0; n < 3; n++) expect(y[2 * n]).toBe(Math.fround(x[3 * n]! - 2 * x[3 * n + 1]!));
});

test('a student learns from its teacher', async () => {
  const data = blobs(60, SEED);
  const network = (seed: number) =>
    sequential([flatten(), dense({ units: data.classes })], { seed });
  const teacher = network(1);
  await fit(teacher, data, { epochs: 5, optimizer: sgd({ learningRate: 0.05 }) });
  const before = parametersOf(teacher.build(data.shape)).map((parameter) => [...parameter.data]);
  const student = network(2);
  const taught = withTeacher(blobs(60, SEED), teacher);
  const loss = losses.distillation({ alpha: 0, temperature: 2 });
  const optimizer = adam({ learningRate: 0.01 });
  const history = await fit(student, taught, { epochs: 20, loss, optimizer, validation: taught });
  expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss / 4);
  expect(history.at(-1)!.validation!.loss).toBeLessThan(history[0]!.validation!.loss / 4);
  const after = parametersOf(teacher.build(data.shape)).map((parameter) => [...parameter.data]);
  expect(after).toEqual(before);
  expect(taught.epoch).toBe(20);
});

test.each<[string, () => unknown, RegExp]>([
  [
    'classes and targets',
    () =>
      fromArrays({ x: new Float32Array(2), y: [1, 2], shape: [1], classes: 2, targetShape: [1] }),
    /^fromArrays: classes or targetShape is expected, got both$/,
  ],
  [
    'neither',
    () => fromArrays({ x: new Float32Array(2), y: [1, 2], shape: [1] }),
    /^fromArrays: classes must be an integer >= 1, got undefined$/,
  ],
  [
    'a part of a target',
    () => fromArrays({ x: new Float32Array(2), y: [1, 2, 3], shape: [1], targetShape: [2] }),
    /^fromArrays: y must have a multiple of 2 values \(targets \[2\]\), got 3$/,
  ],
  [
    'infinite targets',
    () => fromArrays({ x: new Float32Array(2), y: [1, 1 / 0], shape: [1], targetShape: [1] }),
    /^fromArrays: y\[1\] must be finite, got Infinity$/,
  ],
])('refuses %s', (_, make, message) => {
  expect(make).toThrow(message);
});

test('a model must have outputs of the shape of the targets', async () => {
  const model = sequential([dense({ units: 3 })], { seed: SEED });
  await expect(fit(model, line(), { loss: losses.mse() })).rejects.toThrow(
    /^fit: a model whose outputs have the targets' shape \[2\], got \[3\]$/,
  );
  const data = line();
  await expect(Promise.resolve().then(() => withTeacher(data, model))).rejects.toThrow();
});
