/** Trained networks of the data folder, on real images. */

import { readFileSync } from 'node:fs';
import { networks as cifarNetworks } from '../../bench/results/cifar.ts';
import { records } from '../../bench/results/cifarImages.ts';
import { floatNetwork, NETWORKS, photos } from '../../bench/results/imagenet.ts';
import { fitImage } from '../../src/core/image.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { decodeImage } from '../../src/data/images.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Row, Subject } from './networks.ts';

/** The files that the suite reads. */
export const FILES = [
  ...['cifar10/train_4000.bin', 'cifar10/test_500.bin', 'imagenet-val/labels.csv'],
  'models/mlperf-tiny/pretrainedResnet.tflite',
  'models/cifar-resnet/resnet20-12fca82f.safetensors',
  'models/imagenet/mobilenet_v1_0.25_128_quant.tflite',
  'models/imagenet/tf2_mobilenet_v2_1.0_224_ptq.tflite',
];

interface Images {
  readonly x: Uint8Array;
  readonly y: readonly number[];
}

/** The first images are for calibration and training, two at a time; the last `other` are to be compared on. */
function subjectOf(graph: Graph, { x, y }: Images, other: number): Subject {
  const [, ...shape] = graph.values[graph.inputs[0]!]!.shape;
  const classes = graph.values[graph.outputs[0]!]!.shape.at(-1)!;
  const sample = x.length / y.length;
  const part = (from: number, to: number) =>
    fromArrays({
      ...{ x: x.slice(from * sample, to * sample), y: y.slice(from, to), shape, classes },
      ...{ shuffle: false, preprocessing: graph.preprocessing!, batchSize: 2 },
    });
  return { graph, known: part(0, y.length - other), other: part(y.length - other, y.length) };
}

async function cifar(network: keyof typeof cifarNetworks): Promise<Subject> {
  const graph = await cifarNetworks[network]();
  const { x, y } = records('train_4000.bin');
  const count = 8;
  return subjectOf(graph, { x: x.slice(0, count * 3072), y: [...y.slice(0, count)] }, 2);
}

async function imagenet(network: keyof typeof NETWORKS, count: number): Promise<Subject> {
  const { size } = NETWORKS[network];
  const few = photos().slice(0, count);
  const x = new Uint8Array(count * size * size * 3);
  for (const [i, { file }] of few.entries()) {
    const image = await decodeImage(readFileSync(file), file);
    x.set(fitImage(image, [size, size, 3], { crop: { fraction: 0.875 } }), i * (x.length / count));
  }
  return subjectOf(floatNetwork(network), { x, y: few.map(({ label }) => label + 1) }, 2);
}

const V1 = () => imagenet('MobileNetV1 0.25', 6);
const V2 = () => imagenet('MobileNetV2 1.0', 4);

const fineTuned = { steps: 3, plain: true } as const;
const calibrated = { steps: 0, plain: false } as const;

const row = (name: string, size: Omit<Row, 'name' | 'subject'>, subject: Row['subject']): Row => {
  return { name, ...size, subject };
};

export const importedRows: readonly Row[] = [
  row('ResNet-8 on CIFAR-10', { ...fineTuned, every: 2, special: 6 }, () => cifar('resnet8')),
  row('ResNet-20 on CIFAR-10', { ...fineTuned, every: 7, special: 6 }, () => cifar('resnet20')),
  row('MobileNetV1 0.25 on photos', { ...calibrated, every: 2, special: 6 }, V1),
  row('MobileNetV1 0.25, trained a step', { ...calibrated, steps: 1, every: 11, special: 2 }, V1),
  row('MobileNetV2 on photos', { ...calibrated, every: 11, special: 2 }, V2),
  row('MobileNetV2, trained a step', { ...calibrated, steps: 1, every: 31, special: 0 }, V2),
];
