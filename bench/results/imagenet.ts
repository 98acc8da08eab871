/** Cells on photos of ImageNet: float MobileNets, which are the reals of shared int8 files, quantized again. */

import { readFileSync } from 'node:fs';
import { fitImage } from '../../src/core/image.ts';
import type { Preprocessing } from '../../src/core/preprocess.ts';
import { horizontalFlip, randomCrop } from '../../src/data/augment.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { decodeImage } from '../../src/data/images.ts';
import type { Graph, ValueId } from '../../src/graph/graph.ts';
import { importTflite } from '../../src/interop/tflite/import.ts';
import { losses } from '../../src/nn/losses.ts';
import { adamW } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import type { CalibratorName } from '../../src/quant/calibrators.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import type { Model } from '../../src/train/resolve.ts';
import { withTeacher } from '../../src/train/withTeacher.ts';
import { dataPath } from '../../test/helpers/dataFolder.ts';
import { compareParity, runtime } from '../../test/quant/parity.ts';
import { choices, packBits } from './paired.ts';
import { renormalize } from './renormalize.ts';

export const NETWORKS = {
  'MobileNetV1 0.25': { files: ['mobilenet_v1_0.25_128_quant'], size: 128 },
  'MobileNetV1 0.5': { files: ['mobilenet_v1_0.5_160_quant'], size: 160 },
  'MobileNetV1 1.0': {
    files: ['mobilenet_v1_1.0_224_quant_part1_backbone', 'mobilenet_v1_1.0_224_quant_part2_head'],
    size: 224,
  },
  'MobileNetV2 1.0': { files: ['tf2_mobilenet_v2_1.0_224_ptq'], size: 224 },
} as const;

export interface ImagenetCell {
  readonly network: keyof typeof NETWORKS;
  /** Bits of weights and activations; none: the float network. */
  readonly bits?: readonly [weights: number, activations: number];
  readonly perChannel?: boolean;
  /** How ranges of activations are calibrated; 'mse' unless given. */
  readonly calibrator?: CalibratorName;
  /** Biases are corrected for the rounding of weights. */
  readonly biasCorrection?: boolean;
  /** Epochs of distillation, on the calibration images alone; 0 unless given. */
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly seed?: number;
}

export interface ImagenetOutcome {
  /** Of each of the 550 test photos the class that the model says, from 0, background left out. */
  readonly classes: readonly number[];
  /** Of each whether that is its label, packed. */
  readonly right: string;
  readonly compared: number;
  readonly mismatching: number;
}

const CLASSES = 1001;

/** Photos whose integers are compared in each layer. */
const COMPARED = 4;

/** 100 of the 650 photos, evenly over the list: what calibration and distillation see, and tests do not. */
const isCalibration = (i: number) => i % 13 === 0 || i % 13 === 6;

interface Photo {
  readonly file: string;
  readonly label: number;
}

export function photos(): Photo[] {
  const lines = readFileSync(dataPath('imagenet-val/labels.csv'), 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => {
    const [file, label] = line.split(',');
    return { file: dataPath(`imagenet-val/${file}`), label: Number(label) };
  });
}

/** The share of a photo's shorter side that tests see, and those that distillation sees. */
const CROP = 0.875;
const TRAINING_CROPS = [1, CROP, 0.7, 0.55];

/** The part of the photos that calibrates, or that tests, as bytes: each as often as there are crops. */
async function pixelsOf(size: number, calibration: boolean, crops = [CROP]) {
  const chosen = photos()
    .filter((_, i) => isCalibration(i) === calibration)
    .flatMap((photo) => crops.map((fraction) => ({ ...photo, fraction })));
  const sample = size * size * 3;
  const x = new Uint8Array(chosen.length * sample);
  for (const [i, { file, fraction }] of chosen.entries()) {
    const image = await decodeImage(readFileSync(file), file);
    x.set(fitImage(image, [size, size, 3], { crop: { fraction } }), i * sample);
  }
  return { x, y: chosen.map(({ label }) => label + 1) };
}

export function floatNetwork(network: ImagenetCell['network']): Graph {
  const parts = NETWORKS[network].files.map((file) => {
    const bytes = readFileSync(dataPath(`models/imagenet/${file}.tflite`));
    return importTflite(new Uint8Array(bytes), { dequantize: true, dropSoftmax: true });
  });
  return parts.reduce(joined);
}

/** One network, of which the second part takes what the first gives. */
function joined(first: Graph, second: Graph): Graph {
  const [from, to] = [first.outputs[0]!, second.inputs[0]!];
  const added = second.values.flatMap((value, id) => (id === to ? [] : [{ id, value }]));
  const places = new Map(added.map(({ id }, i) => [id, first.values.length + i]));
  const place = (id: ValueId) => places.get(id) ?? from;
  const nodes = second.nodes.map((node) => {
    return { ...node, inputs: node.inputs.map(place), output: place(node.output) };
  });
  const parameters = [...second.parameters].map(([id, one]) => [place(id), one] as const);
  return {
    ...first,
    values: [...first.values, ...added.map(({ value }) => value)],
    nodes: [...first.nodes, ...nodes],
    parameters: new Map([...first.parameters, ...parameters]),
    outputs: second.outputs.map(place),
  };
}

/** Label-free: of the labels that come along `losses.distillation` takes none with alpha 0. */
export async function runImagenetCell(cell: ImagenetCell): Promise<ImagenetOutcome> {
  const { network, bits, perChannel = true, calibrator = 'mse', epochs = 0, seed = 0 } = cell;
  const { biasCorrection = false } = cell;
  const { size } = NETWORKS[network];
  const imported = floatNetwork(network);
  const about = {
    ...{
      shape: [size, size, 3],
      classes: CLASSES,
      preprocessing: imported.preprocessing as Preprocessing,
    },
  };
  const plain = { ...about, shuffle: false, batchSize: 10 };
  const test = fromArrays({ ...(await pixelsOf(size, false)), ...plain });
  const answers = async (model: Model) => {
    const said = await choices(model, test);
    const right = packBits(said.map((c, i) => c === test.y[i]));
    return { classes: said.map((c) => c - 1), right };
  };
  if (!bits) return { ...(await answers(imported)), compared: 0, mismatching: 0 };
  const augment = [randomCrop({ padding: size >> 4, fill: 'mean' }), horizontalFlip()];
  const crops = await pixelsOf(size, true, TRAINING_CROPS);
  const training = fromArrays({ ...crops, ...about, augment, seed, batchSize: 10 });
  // Norms folded into weights diverge while they train, as those of ResNet-8 do.
  const graph = epochs > 0 ? await renormalize(imported, training) : imported;
  const qat = quantizeModel(graph, {
    weights: { bits: bits[0], perChannel },
    activations: { bits: bits[1] },
    calibrationBatches: 10,
  });
  const calibration = fromArrays({ ...(await pixelsOf(size, true)), ...plain });
  await qat.calibrate(calibration, { method: calibrator, biasCorrection });
  if (epochs > 0) {
    const learningRate = schedules.cosine({ learningRate: cell.learningRate! });
    const optimizer = adamW({ learningRate, weightDecay: 1e-4 });
    const loss = losses.distillation({ temperature: 1, alpha: 0 });
    await fit(qat, withTeacher(training, floatNetwork(network)), { epochs, optimizer, loss, seed });
  }
  const answered = await answers(qat);
  const x = test.options.x.slice(0, COMPARED * size * size * 3);
  const few = fromArrays({ ...plain, x, y: test.y.slice(0, COMPARED) });
  const { compared, mismatching } = await compareParity(qat, convert(qat).graph, few, runtime());
  return { ...answered, compared, mismatching };
}
