import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadCifar10 } from '../../../src/data/cifar.ts';
import { cifarResnetModule } from '../../../src/interop/safetensors/cifarResnetModule.ts';
import { importSafetensors } from '../../../src/interop/safetensors/import.ts';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import { evaluate } from '../../../src/train/evaluate.ts';
import { resnet20, resnet32 } from '../../../src/zoo/cifarResnet.ts';
import { dataFolder, dataPath, describeWithData } from '../../helpers/data.ts';

/** Right ones of the 500 test images, as a plain float32 forward pass in NumPy, or LiteRT, has them. */
const NETWORKS = [
  { make: resnet20, file: 'cifar-resnet/resnet20-12fca82f.safetensors', correct: 457 },
  { make: resnet32, file: 'cifar-resnet/resnet32-d509ac18.safetensors', correct: 462 },
];
const RESNET8 = { file: 'mlperf-tiny/pretrainedResnet.tflite', correct: 444 };

/** What the networks of the PyTorch code were trained with. */
const preprocessing = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const read = (file: string) => new Uint8Array(readFileSync(dataPath(`models/${file}`)));
const files = [...NETWORKS, RESNET8].map(({ file }) => `models/${file}`);

describeWithData('float networks of CIFAR-10', [...files, 'cifar10/test_500.bin'], () => {
  const load = (how: typeof preprocessing) => {
    const data = `${dataFolder}/cifar10`;
    return loadCifar10({ data, split: 'test', files: ['test_500.bin'], preprocessing: how });
  };

  test.each(NETWORKS)('$file finds $correct of 500, to one', async ({ make, file, correct }) => {
    const network = make();
    importSafetensors(read(file), network, { moduleOf: cifarResnetModule });
    const { top1 } = await evaluate(network, await load(preprocessing));
    expect(Math.abs(500 * top1! - correct)).toBeLessThanOrEqual(1);
  });

  test('ResNet-8 of a float .tflite finds 444 of 500, to one', async () => {
    const graph = importTflite(read(RESNET8.file), { dropSoftmax: true });
    // (pixel / 255 − 0) / (1 / 255): the network takes raw pixels.
    const { top1 } = await evaluate(graph, await load({ mean: [0], std: [1 / 255] }));
    expect(Math.abs(500 * top1! - RESNET8.correct)).toBeLessThanOrEqual(1);
  });
});
