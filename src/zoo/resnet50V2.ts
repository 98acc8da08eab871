import type { Handle } from '../graph/dispatch.ts';
import { add, layers } from '../nn/layers.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier, IMAGENET } from './blocks.ts';
import { type Bottleneck, STAGES } from './resnet50.ts';

const blocks = new Blocks('relu', { epsilon: 1.001e-5 });

/**
 * x + convolutions 1x1, 3x3, 1x1 of relu(norm(x)); the second of them strides. Without a projection the shortcut takes
 * every pixel, or of each stride the first.
 */
function bottleneck(x: Handle, name: string, { filters, strides, project }: Bottleneck): Handle {
  const before = blocks.normActivate(x, `${name}/before`);
  const wide = { filters: 4 * filters, useBias: true };
  const shortcut = project
    ? blocks.conv(before, `${name}/shortcut`, { ...wide, strides })
    : strides > 1
      ? layers.maxPool2d({ name: `${name}/shortcut`, poolSize: 1, strides }).apply(x)
      : x;
  const narrow = blocks.convNormActivate(before, `${name}/reduce`, { filters });
  const window = { filters, kernelSize: 3, strides, padding: 1 };
  const mixed = blocks.convNormActivate(narrow, `${name}/conv`, window);
  return add(shortcut, blocks.conv(mixed, `${name}/expand`, wide));
}

/**
 * ResNet-50 with norms before convolutions (He et al. 2016, arXiv 1603.05027), layer for layer that of Keras, which
 * strides in the last block of a stage. 3,480 MMAC and 25,613,800 parameters.
 */
export function resnet50V2(options: ClassifierOptions = {}): Module {
  return classifier('resnet50V2', options, IMAGENET, (x) => {
    const stem = { filters: 64, kernelSize: 7, strides: 2, padding: 3, useBias: true };
    // No relu comes between: the pool must see the zeros around the image.
    const padded = layers.zeroPadding2d().apply(blocks.conv(x, 'stem', stem));
    const pooled = layers.maxPool2d({ poolSize: 3, strides: 2 }).apply(padded);
    const y = STAGES.reduce((z, [filters, count], stage) => {
      let out = z;
      for (let i = 0; i < count; i++) {
        const strides = i === count - 1 && stage < STAGES.length - 1 ? 2 : 1;
        const name = `stage_${stage + 1}/block_${i + 1}`;
        out = bottleneck(out, name, { filters, strides, project: i === 0 });
      }
      return out;
    }, pooled);
    return blocks.normActivate(y, 'last');
  });
}
