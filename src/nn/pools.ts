import { rangeError, typeError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import { PLAIN_WINDOW } from '../ops/geometry.ts';
import { BASE, Layer, type LayerOptions, shown } from './layer.ts';

export interface GlobalPoolOptions extends LayerOptions {
  /** Whether the pooled axes stay, with extent 1; default false. */
  readonly keepDims?: boolean;
}

export type GlobalPoolName = 'globalAveragePool2d' | 'globalMaxPool2d';

/** [N,H,W,C] → [N,C], or [N,1,1,C]. The largest is that of a window as large as the image. */
export class GlobalPool extends Layer<GlobalPoolOptions> {
  constructor(pool: GlobalPoolName, options: GlobalPoolOptions, kind: string = pool) {
    const op = pool === 'globalMaxPool2d' ? 'maxPool2d' : pool;
    super(op, options, [...BASE, 'keepDims'], kind);
    const { keepDims = false } = options;
    if (typeof keepDims === 'boolean') return;
    throw typeError(kind, 'keepDims must be true or false', shown(keepDims));
  }

  forward(x: Handle): Handle {
    if (x.shape.length !== 4) {
      throw rangeError(this.kind, 'x must be [N,H,W,C]', showShape(x.shape));
    }
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const whole = { ...PLAIN_WINDOW, poolSize: [height, width] };
    const y = this.call([x], this.op === 'maxPool2d' ? whole : {});
    const shape = this.options.keepDims ? [batch, 1, 1, channels] : [batch, channels];
    return y.shape.length === shape.length ? y : y.apply('reshape', [y], { shape });
  }
}
