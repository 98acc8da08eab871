import { expect, test } from 'vitest';
import { sizeOf } from '../../src/core/shape.ts';
import { countMacs } from '../../src/graph/macs.ts';
import type { Module } from '../../src/nn/module.ts';
import { resnet20, resnet32, resnet44, resnet56 } from '../../src/zoo/cifarResnet.ts';
import { mobilenetV1 } from '../../src/zoo/mobilenetV1.ts';
import { mobilenetV2 } from '../../src/zoo/mobilenetV2.ts';
import { nasnetMobile } from '../../src/zoo/nasnetMobile.ts';
import { resnet50 } from '../../src/zoo/resnet50.ts';
import { resnet50V2 } from '../../src/zoo/resnet50V2.ts';
import { autoencoder, dscnn, resnet8, visualWakeWords } from '../../src/zoo/tiny.ts';

interface Row {
  readonly name: string;
  readonly make: () => Module;
  /** As `model.count_params()` of Keras gives them, statistics of batch normalization included. */
  readonly parameters: number;
  /** Multiply-accumulates of convolutions and dense layers; papers and model cards round them to `published`. */
  readonly macs: number;
  readonly published: string;
}

const rows: Row[] = [
  {
    name: 'mobilenetV1',
    make: () => mobilenetV1(),
    parameters: 4_253_864,
    macs: 568_740_352,
    published: '569 M',
  },
  {
    name: 'mobilenetV1, alpha 0.75',
    make: () => mobilenetV1({ alpha: 0.75 }),
    parameters: 2_601_976,
    macs: 325_400_448,
    published: '325 M',
  },
  {
    name: 'mobilenetV1, alpha 0.5',
    make: () => mobilenetV1({ alpha: 0.5 }),
    parameters: 1_342_536,
    macs: 149_497_088,
    published: '149 M',
  },
  {
    name: 'mobilenetV1, alpha 0.25 at 128',
    make: () => mobilenetV1({ alpha: 0.25, inputShape: [128, 128, 3] }),
    parameters: 475_544,
    macs: 13_570_048,
    published: '14 M',
  },
  {
    name: 'mobilenetV2',
    make: () => mobilenetV2(),
    parameters: 3_538_984,
    macs: 300_774_272,
    published: '300 M',
  },
  {
    name: 'mobilenetV2, alpha 0.35',
    make: () => mobilenetV2({ alpha: 0.35 }),
    parameters: 1_691_208,
    macs: 59_285_808,
    published: '59 M',
  },
  {
    name: 'mobilenetV2, alpha 0.75',
    make: () => mobilenetV2({ alpha: 0.75 }),
    parameters: 2_663_064,
    macs: 209_069_792,
    published: '209 M',
  },
  {
    name: 'mobilenetV2, alpha 1.4',
    make: () => mobilenetV2({ alpha: 1.4 }),
    parameters: 6_156_712,
    macs: 582_195_824,
    published: '582 M',
  },
  {
    name: 'resnet50',
    make: () => resnet50(),
    parameters: 25_636_712,
    macs: 3_857_973_248,
    published: '3.86 G',
  },
  {
    name: 'resnet50V2',
    make: () => resnet50V2(),
    parameters: 25_613_800,
    macs: 3_482_255_360,
    published: '3.5 G',
  },
  {
    name: 'nasnetMobile',
    make: () => nasnetMobile(),
    parameters: 5_326_716,
    macs: 563_638_816,
    published: '564 M',
  },
  {
    name: 'resnet8',
    make: () => resnet8(),
    parameters: 78_666,
    macs: 12_501_632,
    published: '12.5 M',
  },
  { name: 'dscnn', make: () => dscnn(), parameters: 24_908, macs: 2_656_768, published: '2.7 M' },
  {
    name: 'visualWakeWords',
    make: () => visualWakeWords(),
    parameters: 221_794,
    macs: 7_489_664,
    published: '7.5 M',
  },
  {
    name: 'autoencoder',
    make: () => autoencoder(),
    parameters: 269_992,
    macs: 264_192,
    published: '0.26 M',
  },
];

/** The paper and its reproductions count trainable parameters: 0.27 M, 0.46 M, 0.66 M and 0.85 M. */
const cifar: [string, () => Module, number, number][] = [
  ['resnet20', () => resnet20(), 269_722, 40_551_040],
  ['resnet32', () => resnet32(), 464_154, 68_862_592],
  ['resnet44', () => resnet44(), 658_586, 97_174_144],
  ['resnet56', () => resnet56(), 853_018, 125_485_696],
];

test.each(cifar)('%s: %i trainable parameters, %i multiply-accumulates', (_, make, count, macs) => {
  const graph = make().build();
  const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
  expect(trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(count);
  expect(countMacs(graph)).toBe(macs);
});

test.each(rows)('$name: $parameters parameters, $published multiply-accumulates', (row) => {
  const graph = row.make().build();
  const sizes = [...graph.parameters.values()].map(({ shape }) => sizeOf(shape));
  expect(sizes.reduce((sum, size) => sum + size)).toBe(row.parameters);
  expect(countMacs(graph)).toBe(row.macs);
});
