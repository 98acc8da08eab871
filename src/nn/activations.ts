/** Activations with a number of their own. */

import { checkNumber } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import { BASE, Layer, type LayerOptions } from './layer.ts';

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
