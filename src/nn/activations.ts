/** Activations with a number of their own. */

import { checkNumber } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { InitializerName } from '../graph/initializers.ts';
import { BASE, checkInitializer, Layer, type LayerOptions } from './layer.ts';

export interface LeakyReluOptions extends LayerOptions {
  /** dy/dx where x < 0; default 0.3, as in Keras. */
  readonly negativeSlope?: number;
}

/** y = x, or x · negativeSlope where x < 0 */
export class LeakyRelu extends Layer<LeakyReluOptions> {
  constructor(options: LeakyReluOptions) {
    super('leakyRelu', options, [...BASE, 'negativeSlope']);
    checkNumber('leakyRelu', 'negativeSlope', options.negativeSlope ?? 0.3, -Infinity);
  }

  forward(x: Handle): Handle {
    return this.call([x], { alpha: this.options.negativeSlope ?? 0.3 });
  }
}

export interface EluOptions extends LayerOptions {
  /** −alpha is where y ends as x falls; default 1. */
  readonly alpha?: number;
}

/** y = x, or alpha · (exp(x) − 1) where x < 0 */
export class Elu extends Layer<EluOptions> {
  constructor(options: EluOptions) {
    super('elu', options, [...BASE, 'alpha']);
    checkNumber('elu', 'alpha', options.alpha ?? 1, -Infinity);
  }

  forward(x: Handle): Handle {
    return this.call([x], { alpha: this.options.alpha ?? 1 });
  }
}

export interface PReluOptions extends LayerOptions {
  /** Of the slopes; default 'zeros'. */
  readonly alphaInitializer?: InitializerName;
}

/** y = x, or x · alpha[c] where x < 0, with a learned slope for each channel */
export class PRelu extends Layer<PReluOptions> {
  constructor(options: PReluOptions) {
    super('prelu', options, [...BASE, 'alphaInitializer']);
    checkInitializer('prelu', 'alphaInitializer', options.alphaInitializer ?? 'zeros');
  }

  forward(x: Handle): Handle {
    const { alphaInitializer: initializer = 'zeros' } = this.options;
    return this.call([x, this.parameter({ name: 'alpha', shape: x.shape.slice(-1), initializer })]);
  }
}
