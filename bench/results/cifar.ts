/** Cells on CIFAR-10: imported networks, quantized, fine-tuned and counted. */

import { readFileSync } from 'node:fs';
import { horizontalFlip, randomCrop } from '../../src/data/augment.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { cifarResnetModule } from '../../src/interop/safetensors/cifarResnetModule.ts';
import { importSafetensors } from '../../src/interop/safetensors/import.ts';
import { importTflite } from '../../src/interop/tflite/import.ts';
import { losses } from '../../src/nn/losses.ts';
import { adamW, sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { convert } from '../../src/quant/convert.ts';
import type { MethodName } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import { withTeacher } from '../../src/train/withTeacher.ts';
import { resnet20 } from '../../src/zoo/cifarResnet.ts';
import { dataPath } from '../../test/helpers/dataFolder.ts';
import { compareParity, runtime } from '../../test/quant/parity.ts';
import { preprocessing, records, testImages } from './cifarImages.ts';
import { packBits, rights } from './paired.ts';
import { renormalize } from './renormalize.ts';

export interface CifarCell {
  readonly network: 'resnet8' | 'resnet20';
  /** Bits of weights and activations; none: the float network as imported. */
  readonly bits?: readonly [weights: number, activations: number];
  readonly method?: MethodName;
  readonly seed: number;
  /** 0: ranges from calibration alone. */
  readonly epochs: number;
  /** Default 'sgd', with momentum 0.9. */
  readonly optimizer?: 'sgd' | 'adam';
  readonly learningRate: number;
  readonly batchSize: number;
}

export interface CifarOutcome {
  /** Of the 500 images without loss and the 5,000 JPEGs, packed: which the model finds. */
  readonly right: string;
  /** Integers of the shipped bundle that differ from those of evaluation, over all layers of some images. */
  readonly compared: number;
  readonly mismatching: number;
}

/** Images whose integers are compared in each layer. */
const COMPARED = 20;

/** Pixels in [0, 1]. */
const UNIT = { mean: [0, 0, 0], std: [1, 1, 1] };

export const networks = {
  async resnet8(): Promise<Graph> {
    const bytes = new Uint8Array(
      readFileSync(dataPath('models/mlperf-tiny/pretrainedResnet.tflite')),
    );
    const graph = unitPixels(importTflite(bytes, { dropSoftmax: true }));
    // Statistics of the images that it is trained with: those of whole images lie elsewhere, and an epoch would move the norms there.
    return renormalize(graph, trainingImages(graph, 0, 50));
  },
  /** Statistics come from twelve times as many images as there are here: the norms keep 0.99 of them in each step. */
  async resnet20(): Promise<Graph> {
    const file = dataPath('models/cifar-resnet/resnet20-12fca82f.safetensors');
    const module = { moduleOf: cifarResnetModule };
    const graph = importSafetensors(new Uint8Array(readFileSync(file)), resnet20(), module);
    const nodes = graph.nodes.map((node) => {
      if (node.op !== 'batchNormalization') return node;
      return { ...node, attrs: { ...node.attrs, momentum: 0.99 } };
    });
    return { ...graph, nodes, preprocessing };
  },
};

/** The same network for pixels in [0, 1] in place of [0, 255]: gradients of its first weights are as large as those of others. */
function unitPixels(graph: Graph): Graph {
  const [input] = graph.inputs;
  const first = graph.nodes.find(({ inputs }) => inputs[0] === input)!;
  const id = first.inputs[1]!;
  const kernel = graph.parameters.get(id)!;
  const scaled = { ...kernel, data: (kernel.data as Float32Array).map((w) => 255 * w) };
  const parameters = new Map(graph.parameters).set(id, scaled);
  return { ...graph, parameters, preprocessing: UNIT };
}

/** What a network was trained with, a seed apart. */
function trainingImages(graph: Graph, seed: number, batchSize: number) {
  return fromArrays({
    ...records('train_4000.bin'),
    ...{ shape: [32, 32, 3], classes: 10, batchSize, seed, preprocessing: graph.preprocessing! },
    augment: [randomCrop(), horizontalFlip()],
  });
}

/** The first images of a file, as they are. */
function firstImages({ preprocessing }: Graph, file: string, count: number) {
  const { x, y } = records(file);
  return fromArrays({
    ...{ x: x.slice(0, count * 3072), y: y.slice(0, count), shape: [32, 32, 3], classes: 10 },
    ...{ shuffle: false, preprocessing: preprocessing!, batchSize: 50 },
  });
}

/**
 * Fine-tunes with the labels and the float network's answers, the learning rate falling to 0 as a cosine. Everything but the method and the
 * bits is equal for all.
 */
export async function runCifarCell(cell: CifarCell): Promise<CifarOutcome> {
  const { network, bits, method, seed, epochs, learningRate, batchSize } = cell;
  const graph = await networks[network]();
  const images = await testImages(graph.preprocessing!);
  if (!bits) return { right: packBits(await rights(graph, images)), compared: 0, mismatching: 0 };
  const [weights, activations] = bits;
  // The network that is quantized shares its weights with the graph: the teacher is another copy.
  const teacher = await networks[network]();
  const qat = quantizeModel(graph, {
    ...(method && { method }),
    ...{ weights: { bits: weights }, activations: { bits: activations } },
  });
  const training = trainingImages(graph, seed, batchSize);
  await qat.calibrate(training);
  if (epochs > 0) {
    const rate = schedules.cosine({ learningRate });
    const settings = { learningRate: rate, weightDecay: 1e-4 };
    const adam = cell.optimizer === 'adam';
    const optimizer = adam ? adamW(settings) : sgd({ ...settings, momentum: 0.9 });
    const loss = losses.distillation({ temperature: 4, alpha: 0.3 });
    await fit(qat, withTeacher(training, teacher), { epochs, optimizer, loss, seed });
  }
  const right = packBits(await rights(qat, images));
  const { compared, mismatching } = await compareParity(
    ...([
      qat,
      convert(qat).graph,
      firstImages(graph, 'test_500.bin', COMPARED),
      runtime(),
    ] as const),
  );
  return { right, compared, mismatching };
}
