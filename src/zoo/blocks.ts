/** What the networks of this folder are built from. */

import { checkInteger, checkOptions, checkShape, rangeError } from '../core/errors.ts';
import { type Shape, showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import { input } from '../graph/trace.ts';
import { layers, type NormOptions, type WindowOptions } from '../nn/layers.ts';
import { model } from '../nn/models.ts';
import type { Module } from '../nn/module.ts';

export interface ClassifierOptions {
  /** Shape of one image, [H,W,C]. */
  readonly inputShape?: Shape;
  readonly classes?: number;
  /** Seed of the initial weights; default 0. */
  readonly seed?: number;
}

/** Images of ImageNet and its classes. */
export const IMAGENET = { inputShape: [224, 224, 3] as Shape, classes: 1000, seed: 0 };

/**
 * A model that ends in the logits of `classes`: what `body` makes of an image, averaged over its pixels, and a dense
 * layer. Options take their defaults from `defaults`, which names all that there are.
 */
export function classifier<O extends ClassifierOptions>(
  where: string,
  options: O,
  defaults: Required<O>,
  body: (x: Handle, options: Required<O>) => Handle,
): Module {
  checkOptions(where, options, Object.keys(defaults));
  const complete = { ...defaults, ...options };
  const { inputShape, classes, seed } = complete as Required<ClassifierOptions>;
  checkInteger(where, 'classes', classes, 1);
  checkShape(where, 'inputShape', inputShape);
  if (inputShape.length !== 3) {
    throw rangeError(where, 'inputShape must be [H,W,C]', showShape(inputShape));
  }
  const x = input(inputShape);
  const pooled = layers.globalAveragePool2d({ name: 'pool' }).apply(body(x, complete));
  const logits = layers.dense({ name: 'predictions', units: classes }).apply(pooled);
  return model({ inputs: x, outputs: logits }, { seed });
}

export type Activation = 'relu' | 'relu6';

export interface BlockOptions extends Pick<WindowOptions, 'strides' | 'padding'> {
  /** Default 1. */
  readonly kernelSize?: number | readonly [number, number];
  /** Default false: a batch normalization follows. */
  readonly useBias?: boolean;
}

export interface ConvOptions extends BlockOptions {
  readonly filters: number;
}

/**
 * The pieces of one network, with its kind of activation and of batch normalization. Layers are called `name`,
 * `name/norm` and `name/relu`; padding is 'same' unless told otherwise.
 */
export class Blocks {
  constructor(
    readonly activation: Activation,
    readonly normOptions: NormOptions = {},
  ) {}

  activate(x: Handle, name: string): Handle {
    return layers[this.activation]({ name: `${name}/${this.activation}` }).apply(x);
  }

  norm(x: Handle, name: string): Handle {
    return layers.batchNormalization({ ...this.normOptions, name: `${name}/norm` }).apply(x);
  }

  normActivate(x: Handle, name: string): Handle {
    return this.activate(this.norm(x, name), name);
  }

  conv(x: Handle, name: string, options: ConvOptions): Handle {
    return layers.conv2d({ ...DEFAULTS, ...options, name }).apply(x);
  }

  convNorm(x: Handle, name: string, options: ConvOptions): Handle {
    return this.norm(this.conv(x, name, options), name);
  }

  convNormActivate(x: Handle, name: string, options: ConvOptions): Handle {
    return this.activate(this.convNorm(x, name, options), name);
  }

  depthwiseNormActivate(x: Handle, name: string, options: BlockOptions): Handle {
    const y = layers.depthwiseConv2d({ ...DEFAULTS, ...options, name }).apply(x);
    return this.normActivate(y, name);
  }
}

const DEFAULTS = { kernelSize: 1, padding: 'same', useBias: false } as const;
