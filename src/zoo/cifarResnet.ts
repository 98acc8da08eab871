import type { Handle } from '../graph/dispatch.ts';
import { add } from '../nn/layers.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier } from './blocks.ts';

const blocks = new Blocks('relu', { epsilon: 1e-5, momentum: 0.9 });

/** Option A of the paper: every second pixel, and channels of 0 on both sides; no parameters. */
function subsample(x: Handle, filters: number): Handle {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const size = [Math.ceil(height / 2), Math.ceil(width / 2), channels];
  const picked = x.apply('slice', [x], { begin: [0, 0, 0], size, strides: [2, 2, 1] });
  const more = filters - channels;
  const padding = [
    [0, 0],
    [0, 0],
    [more >> 1, more - (more >> 1)],
  ];
  return picked.apply('pad', [picked], { padding, mode: 'constant', value: 0 });
}

function residualBlock(x: Handle, name: string, filters: number, strides: number): Handle {
  const options = { filters, kernelSize: 3, padding: 1 };
  const y = blocks.convNormActivate(x, `${name}/conv_1`, { ...options, strides });
  const z = blocks.convNorm(y, `${name}/conv_2`, options);
  return blocks.activate(add(strides === 1 ? x : subsample(x, filters), z), name);
}

/** 6·blocksPerStage + 2 layers: three stages of 16, 32 and 64 channels. */
function cifarResnet(where: string, count: number, options: ClassifierOptions): Module {
  const defaults = { inputShape: [32, 32, 3], classes: 10, seed: 0 };
  return classifier(where, options, defaults, (x) => {
    let y = blocks.convNormActivate(x, 'stem', { filters: 16, kernelSize: 3, padding: 1 });
    for (const [stage, filters] of [16, 32, 64].entries()) {
      for (let i = 0; i < count; i++) {
        const strides = i === 0 && stage > 0 ? 2 : 1;
        y = residualBlock(y, `stage_${stage + 1}/block_${i + 1}`, filters, strides);
      }
    }
    return y;
  });
}

type Maker = (options?: ClassifierOptions) => Module;

/** Residual networks for CIFAR-10 (He et al. 2015, arXiv 1512.03385, §4.2): 0.27 M parameters, 40.6 MMAC. */
export const resnet20: Maker = (options = {}) => cifarResnet('resnet20', 3, options);

/** 0.46 M parameters, 68.9 MMAC. */
export const resnet32: Maker = (options = {}) => cifarResnet('resnet32', 5, options);

/** 0.66 M parameters, 97.2 MMAC. */
export const resnet44: Maker = (options = {}) => cifarResnet('resnet44', 7, options);

/** 0.85 M parameters, 125.5 MMAC. */
export const resnet56: Maker = (options = {}) => cifarResnet('resnet56', 9, options);
