import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { preprocessing, records, testImages } from '../../bench/results/cifarImages.ts';
import { gain, rights } from '../../bench/results/paired.ts';
import { horizontalFlip, randomCrop } from '../../src/data/augment.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { cifarResnetModule } from '../../src/interop/safetensors/cifarResnetModule.ts';
import { importSafetensors } from '../../src/interop/safetensors/import.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import { resnet20 } from '../../src/zoo/cifarResnet.ts';
import { dataPath, describeWithData } from '../helpers/data.ts';

const WEIGHTS = 'models/cifar-resnet/resnet20-12fca82f.safetensors';
const FILES = ['train_4000.bin', 'test_500.bin', 'jpeg75_test.jpgs', 'jpeg75_test.csv'];
const SEED = 1;
/** Points that quantization may cost, with 95 %. */
const POINTS = 0.5;
/** It takes about three minutes of one core; machines may be busy. */
const TIMEOUT = 1_800_000;

/** Statistics come from twelve times as many images as there are here: the norms keep 0.99 of them in each step. */
function network(): Graph {
  const bytes = new Uint8Array(readFileSync(dataPath(WEIGHTS)));
  const graph = importSafetensors(bytes, resnet20(), { moduleOf: cifarResnetModule });
  const nodes = graph.nodes.map((node) =>
    node.op === 'batchNormalization' ? { ...node, attrs: { ...node.attrs, momentum: 0.99 } } : node,
  );
  return { ...graph, nodes, preprocessing };
}

/** Augmented as when the network was trained. */
function trainingImages() {
  return fromArrays({
    ...records('train_4000.bin'),
    shape: [32, 32, 3],
    classes: 10,
    batchSize: 100,
    seed: SEED,
    preprocessing,
    augment: [randomCrop(), horizontalFlip()],
  });
}

describeWithData('fine-tuning', [WEIGHTS, ...FILES.map((file) => `cifar10/${file}`)], () => {
  test(
    `ResNet-20 loses less than ${POINTS} points in int8, at 95 %, on 5,500 images`,
    async () => {
      const graph = network();
      const images = await testImages();
      const float = await rights(graph, images);
      const quantized = quantizeModel(graph);
      const learningRate = schedules.cosine({ learningRate: 5e-4 });
      const optimizer = sgd({ learningRate, momentum: 0.9, weightDecay: 1e-4 });
      const [report] = await fit(quantized, trainingImages(), { epochs: 1, optimizer });
      expect(report!.accuracy).toBeGreaterThan(0.98);
      const after = await rights(quantized, images);
      const { mean, lowest } = gain([float], [after]);
      const count = (list: readonly boolean[]) => list.filter(Boolean).length;
      console.info(
        `float ${count(float)}, int8 ${count(after)} of ${images.length}: ` +
          `${mean.toFixed(2)} points, at least ${lowest.toFixed(2)} (seed ${SEED})`,
      );
      expect(Math.abs(count(float.slice(0, 500)) - 457)).toBeLessThanOrEqual(1);
      expect(lowest).toBeGreaterThan(-POINTS);
    },
    TIMEOUT,
  );
});
