import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { zoo } from '../../src/index.ts';
import type { Module } from '../../src/nn/module.ts';
import { estimateStatistics } from '../../src/train/estimateStatistics.ts';
import type { Share } from './schemes.ts';

/** A float network and what to train, and to compare, it on. */
export interface Subject {
  readonly graph: Graph;
  readonly known: Dataset;
  readonly other: Dataset;
}

/** A network of a suite, and what is done with it. */
export interface Row extends Share {
  readonly name: string;
  readonly subject: () => Promise<Subject>;
  /** Steps of training; 0: ranges from calibration alone. */
  readonly steps: number;
  /** The plain interpreter takes part. */
  readonly plain: boolean;
}

const SEED = 17;
const CLASSES = 5;

/** Noise in [−1, 1], `batchSize` samples at a time. */
function noise(shape: Shape, classes: number, count: number, seed: number): Dataset {
  const rng = new Rng(seed);
  const x = Float32Array.from({ length: count * sizeOf(shape) }, () => 2 * rng.uniform() - 1);
  const y = Int32Array.from({ length: count }, () => rng.below(classes));
  return fromArrays({ x, y, shape, classes, batchSize: 2, shuffle: false });
}

/** Gammas of either sign and 0, betas and biases off 0: initial ones fold into nothing. */
function unsettle(graph: Graph): void {
  const rng = new Rng(SEED);
  for (const { name, data } of graph.parameters.values()) {
    const leaf = name.split('/').at(-1);
    for (let i = 0; i < data.length; i++) {
      if (leaf === 'gamma') data[i] = [1, 1.5, -0.75, 1, 0][i % 5]!;
      if (leaf === 'beta' || leaf === 'bias') data[i] = 0.5 * rng.uniform() - 0.25;
    }
  }
}

/** Random weights with the statistics of the data, which keep the activations of deep networks alive. */
async function random(make: () => Module): Promise<Subject> {
  const graph = make().build();
  unsettle(graph);
  const shape = graph.values[graph.inputs[0]!]!.shape.slice(1);
  const classes = graph.values[graph.outputs[0]!]!.shape.at(-1)!;
  const known = noise(shape, classes, 4, SEED);
  await estimateStatistics(graph, known);
  return { graph, known, other: noise(shape, classes, 2, SEED + 1) };
}

const tiny = { every: 1, special: 6, steps: 2, plain: true } as const;
const small = { every: 4, special: 4, steps: 2, plain: true } as const;
const large = { every: 11, special: 2, steps: 1, plain: false } as const;
/** 25 million weights: two networks that share the methods and widths between them. */
const largest = { every: 22, special: 1, steps: 1, plain: false } as const;

const images = (height: number, width: number, channels = 3) => ({
  inputShape: [height, width, channels],
  classes: CLASSES,
});

const row = (name: string, size: Omit<Row, 'name' | 'subject'>, make: () => Module): Row => {
  return { name, ...size, subject: () => random(make) };
};

/** Every network of the zoo, as small as its factory makes it; odd sizes, so that strides meet borders. */
export const zooRows: readonly Row[] = [
  row('resnet8 at 8 by 9', tiny, () => zoo.resnet8(images(8, 9))),
  row('dscnn at 13 by 6', tiny, () => zoo.dscnn(images(13, 6, 1))),
  row('autoencoder of 24', tiny, () => zoo.autoencoder({ units: 24 })),
  row('mobilenetV1 0.125 at 33', tiny, () => zoo.mobilenetV1({ ...images(33, 33), alpha: 0.125 })),
  row('visualWakeWords at 33 by 32', small, () => zoo.visualWakeWords(images(33, 32))),
  row('digits', small, () => zoo.digits({ classes: CLASSES })),
  row('mobilenetV2 0.1 at 33', small, () => zoo.mobilenetV2({ ...images(33, 32), alpha: 0.1 })),
  row('resnet20 at 9 by 8', small, () => zoo.resnet20(images(9, 8))),
  row('resnet32 at 8', small, () => zoo.resnet32(images(8, 8))),
  row('resnet44 at 8', small, () => zoo.resnet44(images(8, 8))),
  row('resnet56 at 7', small, () => zoo.resnet56(images(7, 7))),
  row('nasnetMobile at 33 by 37', large, () => zoo.nasnetMobile(images(33, 37))),
  row('resnet50 at 33', largest, () => zoo.resnet50(images(33, 33))),
  row('resnet50V2 at 33', { ...largest, from: 11 }, () => zoo.resnet50V2(images(33, 33))),
];
