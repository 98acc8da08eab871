import { typeError } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import { BASE, Layer, type LayerOptions, shown } from './layer.ts';

export interface GlobalPoolOptions extends LayerOptions {
  /** Whether height and width stay, with extent 1; default false. */
  readonly keepDims?: boolean;
}

export class GlobalAveragePool2d extends Layer<GlobalPoolOptions> {
  constructor(options: GlobalPoolOptions) {
    super('globalAveragePool2d', options, [...BASE, 'keepDims']);
    const { keepDims = false } = options;
    if (typeof keepDims === 'boolean') return;
    throw typeError('globalAveragePool2d', 'keepDims must be true or false', shown(keepDims));
  }

  forward(x: Handle): Handle {
    const y = this.call([x]);
    if (!this.options.keepDims) return y;
    const [batch, channels] = y.shape as [number, number];
    return y.apply('reshape', [y], { shape: [batch, 1, 1, channels] });
  }
}
