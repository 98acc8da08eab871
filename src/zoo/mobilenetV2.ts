import { checkNumber } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import { add } from '../nn/layers.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, classifier, IMAGENET } from './blocks.ts';
import type { MobilenetOptions } from './mobilenetV1.ts';

/** Expansion, output channels at alpha 1, number of blocks and strides of the first of them (table 2 of the paper). */
export const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The multiple of 8 next to `width`, but never less than nine tenths of it. */
function divisible(width: number): number {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return rounded < 0.9 * width ? rounded + 8 : rounded;
}

const blocks = new Blocks('relu6', { momentum: 0.999 });

interface Bottleneck {
  readonly expansion: number;
  readonly filters: number;
  readonly strides: number;
}

/** 1x1 expansion, 3x3 depthwise, 1x1 projection without activation; added to x where the shapes allow. */
function bottleneck(x: Handle, name: string, { expansion, filters, strides }: Bottleneck): Handle {
  const channels = x.shape[3]!;
  const wide =
    expansion === 1
      ? x
      : blocks.convNormActivate(x, `${name}/expand`, { filters: expansion * channels });
  const window = { kernelSize: 3, strides };
  const mixed = blocks.depthwiseNormActivate(wide, `${name}/depthwise`, window);
  const y = blocks.convNorm(mixed, `${name}/project`, { filters });
  return strides === 1 && channels === filters ? add(x, y) : y;
}

/**
 * MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), layer for layer that of Keras. 300.8 MMAC and 3,538,984 parameters
 * at alpha 1.
 */
export function mobilenetV2(options: MobilenetOptions = {}): Module {
  return classifier('mobilenetV2', options, { ...IMAGENET, alpha: 1 }, (x, { alpha }) => {
    checkNumber('mobilenetV2', 'alpha', alpha, 2 ** -8);
    const stem = { filters: divisible(32 * alpha), kernelSize: 3, strides: 2 };
    let y = blocks.convNormActivate(x, 'stem', stem);
    let count = 0;
    for (const [expansion, width, repeats, first] of STAGES) {
      const filters = divisible(Math.floor(width * alpha));
      for (let i = 0; i < repeats; i++) {
        const strides = i === 0 ? first : 1;
        y = bottleneck(y, `block_${++count}`, { expansion, filters, strides });
      }
    }
    const filters = alpha > 1 ? divisible(1280 * alpha) : 1280;
    return blocks.convNormActivate(y, 'last', { filters });
  });
}
