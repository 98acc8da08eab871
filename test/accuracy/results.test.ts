import { expect, test } from 'vitest';
import { runCifarCell } from '../../bench/results/cifar.ts';
import { cifarTables } from '../../bench/results/cifarTables.ts';
import { Store } from '../../bench/results/store.ts';
import { describeWithData } from '../helpers/data.ts';

const FILES = ['cifar10/test_500.bin', 'cifar10/jpeg75_test.jpgs', 'cifar10/train_4000.bin'];
const NETWORK = 'models/mlperf-tiny/pretrainedResnet.tflite';

describeWithData('docs/results.md', [NETWORK, ...FILES], () => {
  test('a cell gives again what the page has: which of 5,500 images ResNet-8 finds, calibrated', async () => {
    const cell = cifarTables.resnet8.cells.find(({ bits, epochs }) => bits && epochs === 0)!;
    const known = new Store<object, unknown>('docs/results/resnet8.json').get(cell);
    expect(known).toBeDefined();
    expect(await runCifarCell(cell)).toEqual(known!.outcome);
  });
});
