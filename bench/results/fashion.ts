/** Cells on Fashion-MNIST: a small network from random weights, in float and then with few bits. */

import type { ArrayDataset } from '../../src/data/fromArrays.ts';
import { loadFashionMnist } from '../../src/data/mnist.ts';
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
  /** Of the first weights and of the order of images. */
  readonly seed: number;
  /** Over all of them the learning rate falls to 0 as a cosine, whether they are quantized or not. */
  readonly epochs: number;
  readonly learningRate: number;
  /** None: the float network. */
  readonly bits?: readonly [weights: number, activations: number];
  /** Epochs in float before the others; only with `bits`. */
  readonly floatEpochs?: number;
}

export interface FashionOutcome {
  /** Of the 10,000 test images, packed: which the model finds. */
  readonly right: string;
  /** Integers of the shipped bundle that differ from those of evaluation, over all layers of some images. */
  readonly compared: number;
  readonly mismatching: number;
}

/** The four IDX files: those of Debian's package dataset-fashion-mnist unless told otherwise. */
export const fashionFolder = process.env['FASHION_MNIST'] ?? '/usr/share/datasets/fashion-mnist';

const BATCH = 100;

/** Images whose integers are compared in each layer. */
const COMPARED = 20;

/** Trains from epoch `from` to before epoch `to` of the cell. */
async function train(
  model: Model,
  images: ArrayDataset,
  [from, to]: readonly [number, number],
  { seed, epochs, learningRate }: FashionCell,
): Promise<void> {
  const whole = schedules.cosine({ learningRate });
  const steps = images.length / BATCH;
  const optimizer = sgd({
    learningRate: (step) => whole(from * steps + step, epochs * steps),
    ...{ momentum: 0.9, weightDecay: 5e-4 },
  });
  await fit(model, images, { epochs: to - from, optimizer, seed });
}

export async function runFashionCell(cell: FashionCell): Promise<FashionOutcome> {
  const { seed, epochs, bits, floatEpochs = epochs } = cell;
  const images = { data: fashionFolder, batchSize: BATCH };
  const training = await loadFashionMnist({ ...images, split: 'train', seed });
  const test = await loadFashionMnist({ ...images, split: 'test' });
  const network = digits({ seed });
  await train(network, training, [0, floatEpochs], cell);
  if (!bits) return { right: packBits(await rights(network, test)), compared: 0, mismatching: 0 };
  const qat = quantizeModel(network, {
    method: 'learnedScale',
    ...{ weights: { bits: bits[0] }, activations: { bits: bits[1] } },
  });
  await train(qat, training, [floatEpochs, epochs], cell);
  const right = packBits(await rights(qat, test));
  const few = await loadFashionMnist({ ...images, split: 'test', limit: COMPARED });
  const { compared, mismatching } = await compareParity(qat, convert(qat).graph, few, runtime());
  return { right, compared, mismatching };
}
