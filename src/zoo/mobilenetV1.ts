import { checkNumber } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier, IMAGENET } from './blocks.ts';

export interface MobilenetOptions extends ClassifierOptions {
  /** Multiplies the width of every layer; default 1. */
  readonly alpha?: number;
}

/** Output channels at alpha 1 and strides of the 13 separable blocks. */
export const STAGES: readonly (readonly [number, 1 | 2])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1] as const),
  [1024, 2],
  [1024, 1],
];

/** Strides 2 pads the end alone, whatever the size of the image: not quite 'same'. */
const END = [
  [0, 1],
  [0, 1],
] as const;

/** The stack of depthwise separable blocks: 3x3 depthwise, 1x1 convolution, each normalized and activated. */
export function separableStack(
  x: Handle,
  blocks: Blocks,
  { alpha, useBias }: { readonly alpha: number; readonly useBias: boolean },
): Handle {
  const width = (filters: number) => Math.max(1, Math.floor(filters * alpha));
  const first = { filters: width(32), kernelSize: 3, strides: 2, useBias };
  return STAGES.reduce(
    (y, [filters, strides], i) => {
      const name = `block_${i + 1}`;
      const window = { kernelSize: 3, strides, useBias, ...(strides === 2 && { padding: END }) };
      const mixed = blocks.depthwiseNormActivate(y, `${name}/depthwise`, window);
      const options = { filters: width(filters), useBias };
      return blocks.convNormActivate(mixed, `${name}/pointwise`, options);
    },
    blocks.convNormActivate(x, 'stem', first),
  );
}

/**
 * MobileNetV1 (Howard et al. 2017, arXiv 1704.04861), layer for layer that of Keras, dropout left out. 568.7 MMAC and
 * 4,253,864 parameters at alpha 1.
 */
export function mobilenetV1(options: MobilenetOptions = {}): Module {
  return classifier('mobilenetV1', options, { ...IMAGENET, alpha: 1 }, (x, { alpha }) => {
    checkNumber('mobilenetV1', 'alpha', alpha, 2 ** -8);
    return separableStack(x, new Blocks('relu6'), { alpha, useBias: false });
  });
}
