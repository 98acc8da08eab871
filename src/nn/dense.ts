/** Dense layers and normalizations. */

import { checkInteger } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { Parameter } from '../graph/graph.ts';
import type { InitializerName } from '../graph/initializers.ts';
import { checkNorm, type NormAttrs } from '../ops/batchNormalization.ts';
import { checkEpsilon, type LayerNormAttrs } from '../ops/layerNormalization.ts';
import { BASE, initializerOf, Layer, type LayerOptions } from './layer.ts';
import { rowOf, sequenceOf } from './rows.ts';

export interface DenseOptions extends LayerOptions {
  readonly units: number;
  readonly useBias?: boolean;
  readonly kernelInitializer?: InitializerName;
}

export interface NormOptions extends LayerOptions {
  /** Default 1e-3, as in Keras. */
  readonly epsilon?: number;
  /** Share of the old running statistics that a step keeps; default 0.99, as in Keras. */
  readonly momentum?: number;
}

export class Dense extends Layer<DenseOptions> {
  constructor(options: DenseOptions) {
    super('dense', options, [...BASE, 'units', 'useBias', 'kernelInitializer']);
    checkInteger('dense', 'units', options.units, 1);
    initializerOf('dense', options);
  }

  forward(x: Handle): Handle {
    const { units, useBias = true } = this.options;
    const features = x.shape.at(-1)!;
    const kernel = this.parameter({
      name: 'kernel',
      shape: [units, features],
      initializer: initializerOf('dense', this.options),
      decay: true,
      fanIn: features,
      fanOut: units,
    });
    const weights = useBias ? [kernel, this.bias(units)] : [kernel];
    return projected(x, weights, this.options.name);
  }
}

/** The affine map of each vector of x [N,K] or [N,T,K]: the steps of a sequence are folded into the batch and back. */
export function projected(x: Handle, weights: readonly Parameter[], name?: string): Handle {
  const { shape } = x;
  if (shape.length !== 3) return x.apply('dense', [x, ...weights], {}, name);
  const rows = shape.slice(0, -1).reduce((count, extent) => count * extent, 1);
  const folded = x.apply('reshape', [x], { shape: [rows, shape.at(-1)!] });
  const y = folded.apply('dense', [folded, ...weights], {}, name);
  return y.apply('reshape', [y], { shape: [...shape.slice(0, -1), y.shape[1]!] });
}

export class BatchNormalization extends Layer<NormOptions> {
  readonly #attrs: NormAttrs;

  constructor(options: NormOptions) {
    super('batchNormalization', options, [...BASE, 'epsilon', 'momentum']);
    const { epsilon = 1e-3, momentum = 0.99 } = options;
    this.#attrs = { epsilon, momentum };
    checkNorm(this.#attrs);
  }

  forward(x: Handle): Handle {
    const shape = x.shape.slice(-1);
    const gamma = this.parameter({ name: 'gamma', shape, initializer: 'ones' });
    const beta = this.parameter({ name: 'beta', shape, initializer: 'zeros' });
    const statistics = { shape, trainable: false } as const;
    const mean = this.parameter({ ...statistics, name: 'movingMean', initializer: 'zeros' });
    const variance = this.parameter({ ...statistics, name: 'movingVariance', initializer: 'ones' });
    const image = x.shape.length === 3 ? rowOf('batchNormalization', x) : x;
    const y = this.call([image, gamma, beta, mean, variance], { ...this.#attrs });
    return image === x ? y : sequenceOf(y);
  }
}

export interface LayerNormOptions extends LayerOptions {
  /** Default 1e-3, as in Keras. */
  readonly epsilon?: number;
}

export class LayerNormalization extends Layer<LayerNormOptions> {
  readonly #attrs: LayerNormAttrs;

  constructor(options: LayerNormOptions) {
    super('layerNormalization', options, [...BASE, 'epsilon']);
    this.#attrs = { epsilon: options.epsilon ?? 1e-3 };
    checkEpsilon('layerNormalization', this.#attrs.epsilon);
  }

  forward(x: Handle): Handle {
    const shape = x.shape.slice(-1);
    const gamma = this.parameter({ name: 'gamma', shape, initializer: 'ones' });
    const beta = this.parameter({ name: 'beta', shape, initializer: 'zeros' });
    return this.call([x, gamma, beta], { ...this.#attrs });
  }
}
