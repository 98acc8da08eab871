import { expect, test } from 'vitest';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { layers } from '../../src/nn/layers.ts';
import { losses } from '../../src/nn/losses.ts';
import { sequential } from '../../src/nn/models.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { fit } from '../../src/train/fit.ts';

const data = (features = 3) => {
  const x = new Float32Array(4 * features).fill(0.5);
  return fromArrays({ x, y: Int32Array.of(0, 1, 0, 1), shape: [features], classes: 2 });
};
const net = () => sequential([layers.dense({ units: 2 })]);
const withCallback = (callback: object) =>
  fit(net(), data(), { callbacks: [callback as { name: string }] });

class Logger {
  readonly name = 'logger';
  readonly onlyMine = 1;
  shown = 0;
  onEpochEnd() {
    this.shown++;
  }
}

test.each<[string, () => unknown, string]>([
  [
    'a validation set of another shape',
    () => fit(net(), data(), { validation: data(4) }),
    'fit: validation: samples of shape [3], got [4]',
  ],
  [
    'an array as validation set',
    () => fit(net(), data(), { validation: [] as never }),
    'fit: validation: expected a Dataset, got Array',
  ],
  [
    'a model without parameters',
    () =>
      fit(
        sequential([layers.relu()]),
        fromArrays({ x: new Float32Array(4), y: new Int32Array(2), shape: [2], classes: 2 }),
      ),
    'fit: expected a model with parameters to train, got none',
  ],
  [
    'a misspelt hook',
    () => withCallback({ name: 'mine', onEpochs() {} }),
    'fit: callbacks[0]: hooks are onStart, onStep, onEpoch, onEnd, save, restore, got onEpochs',
  ],
  [
    'a misspelt hook of a class',
    () => withCallback(new Logger()),
    'fit: callbacks[0]: hooks are onStart, onStep, onEpoch, onEnd, save, restore, got onEpochEnd',
  ],
  [
    'a hook that is no function',
    () => withCallback({ name: 'mine', onStep: 3 }),
    'fit: callbacks[0]: onStep must be a function, got 3',
  ],
])('fit refuses %s', async (_, call, message) => {
  await expect(call()).rejects.toThrow(message);
});

test.each<[string, () => unknown, string]>([
  [
    'options of mse',
    () => losses.mse({ delta: 1 } as never),
    'mse: expected no options, got delta',
  ],
  [
    'options of mae',
    () => losses.mae({ delta: 1 } as never),
    'mae: expected no options, got delta',
  ],
  [
    'options of binaryCrossEntropy',
    () => losses.binaryCrossEntropy({ labelSmoothing: 0.1 } as never),
    'binaryCrossEntropy: expected no options, got labelSmoothing',
  ],
  [
    'class weights of 0 alone',
    () => losses.crossEntropy({ classWeights: [0, 0] }),
    'crossEntropy: some of classWeights must be above 0, got only zeros',
  ],
  [
    'bidirectional without options',
    () => layers.bidirectional(undefined as never),
    'bidirectional: options must be an object, got undefined',
  ],
  [
    'an unknown option of bidirectional',
    () => layers.bidirectional({ layer: layers.gru({ units: 2 }), mergeMode: 'sum' } as never),
    'bidirectional: options are layer, got mergeMode',
  ],
  [
    'a warm-up to nothing',
    () => schedules.warmup({ steps: 10, schedule: undefined as never }),
    'warmup: schedule must be a schedule or a learning rate, got undefined',
  ],
])('%s', (_, call, message) => {
  expect(call).toThrow(message);
});
