import type { Handle } from '../graph/dispatch.ts';
import { add, layers } from '../nn/layers.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier, IMAGENET } from './blocks.ts';

const blocks = new Blocks('relu', { epsilon: 1.001e-5 });

/** Width of the 3x3 convolutions and number of blocks of each stage; blocks put out four times the width. */
export const STAGES = [
  [64, 3],
  [128, 4],
  [256, 6],
  [512, 3],
] as const;

export interface Bottleneck {
  readonly filters: number;
  readonly strides: number;
  /** Whether the shortcut is a 1x1 convolution. */
  readonly project: boolean;
}

/** relu(x + convolutions 1x1, 3x3, 1x1 of x); the first of them strides. */
function bottleneck(x: Handle, name: string, { filters, strides, project }: Bottleneck): Handle {
  const conv = (y: Handle, part: string, options: object) =>
    blocks.convNorm(y, `${name}/${part}`, { filters, useBias: true, ...options });
  const wide = { filters: 4 * filters };
  const shortcut = project ? conv(x, 'shortcut', { ...wide, strides }) : x;
  const narrow = blocks.activate(conv(x, 'reduce', { strides }), `${name}/reduce`);
  const mixed = blocks.activate(conv(narrow, 'conv', { kernelSize: 3 }), `${name}/conv`);
  return blocks.activate(add(shortcut, conv(mixed, 'expand', wide)), name);
}

/**
 * ResNet-50 (He et al. 2015, arXiv 1512.03385), layer for layer that of Keras, which strides in the first convolution of
 * a stage. 3,858 MMAC and 25,636,712 parameters.
 */
export function resnet50(options: ClassifierOptions = {}): Module {
  return classifier('resnet50', options, IMAGENET, (x) => {
    const stem = { filters: 64, kernelSize: 7, strides: 2, padding: 3, useBias: true };
    const y = blocks.convNormActivate(x, 'stem', stem);
    // After a relu the pool may pad with nothing where Keras pads with 0.
    const pooled = layers.maxPool2d({ poolSize: 3, strides: 2, padding: 1 }).apply(y);
    return STAGES.reduce((z, [filters, count], stage) => {
      let out = z;
      for (let i = 0; i < count; i++) {
        const strides = i === 0 && stage > 0 ? 2 : 1;
        const name = `stage_${stage + 1}/block_${i + 1}`;
        out = bottleneck(out, name, { filters, strides, project: i === 0 });
      }
      return out;
    }, pooled);
  });
}
