/** The four reference networks of MLPerf Tiny (Banbury et al. 2021, arXiv 2106.07597). */

import { checkInteger, checkOptions } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import { input } from '../graph/trace.ts';
import { add, layers } from '../nn/layers.ts';
import { model } from '../nn/models.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier } from './blocks.ts';
import { separableStack } from './mobilenetV1.ts';

const blocks = new Blocks('relu');

/** relu(x + two 3x3 convolutions of x); where the block strides, the shortcut is a 1x1 convolution without a norm. */
function residualBlock(x: Handle, name: string, filters: number, strides: number): Handle {
  const options = { filters, kernelSize: 3, useBias: true };
  const y = blocks.convNormActivate(x, `${name}/conv_1`, { ...options, strides });
  const z = blocks.convNorm(y, `${name}/conv_2`, options);
  const shortcut =
    strides === 1 ? x : blocks.conv(x, `${name}/shortcut`, { filters, strides, useBias: true });
  return blocks.activate(add(shortcut, z), name);
}

/** Image classification on CIFAR-10: 12.5 MMAC, 78,666 parameters. */
export function resnet8(options: ClassifierOptions = {}): Module {
  const defaults = { inputShape: [32, 32, 3], classes: 10, seed: 0 };
  return classifier('resnet8', options, defaults, (x) => {
    const stem = { filters: 16, kernelSize: 3, useBias: true };
    const y = blocks.convNormActivate(x, 'stem', stem);
    const first = residualBlock(y, 'block_1', 16, 1);
    return residualBlock(residualBlock(first, 'block_2', 32, 2), 'block_3', 64, 2);
  });
}

/** Keyword spotting on spectrograms [49,10,1]: 2.7 MMAC, 24,908 parameters. Dropout is left out. */
export function dscnn(options: ClassifierOptions = {}): Module {
  const defaults = { inputShape: [49, 10, 1], classes: 12, seed: 0 };
  return classifier('dscnn', options, defaults, (x) => {
    const width = { filters: 64, useBias: true };
    const stem = { ...width, kernelSize: [10, 4], strides: 2 } as const;
    let y = blocks.convNormActivate(x, 'stem', stem);
    for (let i = 1; i <= 4; i++) {
      const window = { kernelSize: 3, useBias: true };
      const mixed = blocks.depthwiseNormActivate(y, `block_${i}/depthwise`, window);
      y = blocks.convNormActivate(mixed, `block_${i}/pointwise`, width);
    }
    return y;
  });
}

/**
 * Whether a person is in an image (visual wake words): MobileNetV1 at alpha 0.25 with relu and biases, 7.5 MMAC, 221,794
 * parameters.
 */
export function visualWakeWords(options: ClassifierOptions = {}): Module {
  const defaults = { inputShape: [96, 96, 3], classes: 2, seed: 0 };
  return classifier('visualWakeWords', options, defaults, (x) =>
    separableStack(x, blocks, { alpha: 0.25, useBias: true }),
  );
}

export interface AutoencoderOptions {
  /** Numbers in and out; default 640. */
  readonly units?: number;
  /** Seed of the initial weights; default 0. */
  readonly seed?: number;
}

/** Anomaly detection on spectrograms: dense layers through a neck of 8 units, 0.26 MMAC, 269,992 parameters. */
export function autoencoder(options: AutoencoderOptions = {}): Module {
  checkOptions('autoencoder', options, ['units', 'seed']);
  const { units = 640, seed = 0 } = options;
  checkInteger('autoencoder', 'units', units, 1);
  const x = input([units]);
  const hidden = [128, 128, 128, 128, 8, 128, 128, 128, 128].reduce((y: Handle, width, i) => {
    const name = `dense_${i + 1}`;
    return blocks.normActivate(layers.dense({ name, units: width }).apply(y), name);
  }, x);
  const output = layers.dense({ name: 'output', units }).apply(hidden);
  return model({ inputs: x, outputs: output }, { seed });
}
