import type { Handle } from '../graph/dispatch.ts';
import { checkRate } from '../ops/dropout.ts';
import { BASE, Layer, type LayerOptions } from './layer.ts';

export interface DropoutOptions extends LayerOptions {
  /** Share of the elements that become 0 in training, in [0, 1). */
  readonly rate: number;
}

/** Drops elements in training; the identity in evaluation, and not there in a quantized model. */
export class Dropout extends Layer<DropoutOptions> {
  constructor(options: DropoutOptions) {
    super('dropout', options, [...BASE, 'rate']);
    checkRate('dropout', options.rate);
  }

  forward(x: Handle): Handle {
    return this.call([x], { rate: this.options.rate });
  }
}
