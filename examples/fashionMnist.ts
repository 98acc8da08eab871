/**
 * Fashion-MNIST from its four IDX files (Debian's package dataset-fashion-mnist has them): a small convolutional network, eight
 * epochs in float and one quantized.
 *
 *     npx octavo train examples/fashionMnist.ts
 */
import { data, defineTraining, layers, optimizers, schedules, sequential } from 'octavo';

const folder = process.env['FASHION_MNIST'] ?? '/usr/share/datasets/fashion-mnist';
const { conv2d, batchNormalization, relu, maxPool2d, globalAveragePool2d, dense } = layers;

const train = await data.loadFashionMnist({
  split: 'train',
  data: folder,
  batchSize: 128,
  seed: 1,
  augment: [data.randomCrop({ padding: 2 }), data.horizontalFlip()],
});
const test = await data.loadFashionMnist({ split: 'test', data: folder, batchSize: 250 });

/** A convolution [H,W,filters], its normalization and a relu. */
const block = (filters: number) => [
  conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false }),
  batchNormalization({ momentum: 0.9 }),
  relu(),
];

/** SGD whose rate goes up to `learningRate` and down to nothing within one training. */
const sgd = (learningRate: number) =>
  optimizers.sgd({
    learningRate: schedules.oneCycle({ learningRate }),
    momentum: 0.9,
    nesterov: true,
    weightDecay: 5e-4,
  });

export default defineTraining({
  model: sequential(
    [
      ...[...block(16), ...block(16), maxPool2d()],
      ...[...block(32), ...block(32), maxPool2d()],
      ...[...block(64), ...block(64), globalAveragePool2d()],
      dense({ units: 10 }),
    ],
    { seed: 1 },
  ),
  data: { train, test },
  fit: { epochs: 8, optimizer: sgd(0.15), threads: 2 },
  quantize: { fit: { epochs: 1, optimizer: sgd(0.005), threads: 2 } },
  output: 'fashion-mnist.octavo',
});
