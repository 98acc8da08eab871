/** Cells on Fashion-MNIST: a network trained from scratch, in floats to the end or quantized for the last epochs. */

import { existsSync } from 'node:fs';
import { horizontalFlip, randomCrop } from '../../src/data/augment.ts';
import { loadFashionMnist } from '../../src/data/mnist.ts';
import { losses } from '../../src/nn/losses.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import type { Model } from '../../src/train/resolve.ts';
import { digits } from '../../src/zoo/digits.ts';
import { compareParity, runtime } from '../../test/quant/parity.ts';
import { packBits, rights } from './paired.ts';

export interface FashionCell {
  /** Bits of weights and activations; none: all epochs in floats. */
  readonly bits?: readonly [weights: number, activations: number];
  readonly seed: number;
}

export interface FashionOutcome {
  /** Of the 10,000 test images, packed: which the model finds. */
  readonly right: string;
  readonly compared: number;
  readonly mismatching: number;
}

/** Where Debian's package dataset-fashion-mnist has its files. */
const FOLDER = process.env['FASHION_MNIST'] ?? '/usr/share/datasets/fashion-mnist';

/** Of both kinds of training together. */
export const EPOCHS = 6;
/** The last of them. */
export const QUANTIZED = 2;

/** Images whose integers are compared in each layer. */
const COMPARED = 100;

export async function runFashionCell({ bits, seed }: FashionCell): Promise<FashionOutcome> {
  if (!existsSync(FOLDER)) {
    throw new Error(`results: expected Debian's dataset-fashion-mnist at ${FOLDER}, got no folder`);
  }
  const augment = [randomCrop({ padding: 2 }), horizontalFlip()];
  const train = await loadFashionMnist({
    ...{ split: 'train', data: FOLDER, batchSize: 128, seed, augment },
  });
  const test = await loadFashionMnist({ split: 'test', data: FOLDER, batchSize: 250 });
  const learn = (model: Model, epochs: number, learningRate: number) => {
    const rate = schedules.oneCycle({ learningRate });
    const optimizer = sgd({ learningRate: rate, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
    return fit(model, train, { epochs, optimizer, loss: losses.crossEntropy(), seed });
  };
  const network = digits({ seed });
  await learn(network, bits ? EPOCHS - QUANTIZED : EPOCHS, 0.15);
  if (!bits) return { right: packBits(await rights(network, test)), compared: 0, mismatching: 0 };
  const qat = quantizeModel(network, {
    ...{ weights: { bits: bits[0] }, activations: { bits: bits[1] } },
  });
  await learn(qat, QUANTIZED, 0.02);
  const few = await loadFashionMnist({
    split: 'test',
    data: FOLDER,
    batchSize: 50,
    limit: COMPARED,
  });
  const { compared, mismatching } = await compareParity(qat, convert(qat).graph, few, runtime());
  return { right: packBits(await rights(qat, test)), compared, mismatching };
}
