import { checkInteger, rangeError } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { InitializerName } from '../graph/initializers.ts';
import type { Pair } from '../ops/geometry.ts';
import { BASE, initializerOf, Layer, type LayerOptions, pair } from './layer.ts';

export interface TransposedConvOptions extends LayerOptions {
  /** Output channels. */
  readonly filters: number;
  readonly kernelSize: number | Pair;
  /** How far apart the pixels of the input lie in the output; default 1. */
  readonly strides?: number | Pair;
  /** 'same' gives extent · strides outputs, 'valid' (the default) all that a tap reaches. */
  readonly padding?: 'same' | 'valid';
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerName;
}

const KNOWN = ['filters', 'kernelSize', 'strides', 'padding', 'useBias', 'kernelInitializer'];
const WHERE = 'conv2dTranspose';

export class TransposedConvolution extends Layer<TransposedConvOptions> {
  readonly #kernelSize: Pair;
  readonly #strides: Pair;

  constructor(options: TransposedConvOptions) {
    super('transposedConv2d', options, [...BASE, ...KNOWN], WHERE);
    checkInteger(WHERE, 'filters', options.filters, 1);
    this.#kernelSize = pair(WHERE, 'kernelSize', options.kernelSize);
    this.#strides = pair(WHERE, 'strides', options.strides ?? 1);
    for (const size of this.#kernelSize) checkInteger(WHERE, 'kernelSize', size, 1);
    for (const step of this.#strides) checkInteger(WHERE, 'strides', step, 1);
    initializerOf(WHERE, options);
    const { padding = 'valid' } = options;
    if (padding === 'same' || padding === 'valid') return;
    throw rangeError(WHERE, "padding must be 'same' or 'valid'", padding);
  }

  forward(x: Handle): Handle {
    const { filters, useBias = true, padding = 'valid' } = this.options;
    const [kh, kw] = this.#kernelSize;
    const channels = x.shape[3]!;
    const kernel = this.parameter({
      name: 'kernel',
      shape: [filters, kh, kw, channels],
      initializer: initializerOf(WHERE, this.options),
      decay: true,
      fanIn: kh * kw * channels,
      fanOut: kh * kw * filters,
    });
    const rest = ([0, 1] as const).map((axis) => this.#kernelSize[axis] - this.#strides[axis]);
    const attrs = {
      strides: this.#strides,
      padding: rest.map((more) => (padding === 'same' ? halves(more) : [0, 0])),
      outputPadding: rest.map((more) => Math.max(0, -more)),
    };
    return this.call(useBias ? [x, kernel, this.bias(filters)] : [x, kernel], attrs);
  }
}

/** What a kernel reaches beyond its stride is cut off on both sides, the odd row or column at the end. */
function halves(more: number): Pair {
  const before = Math.max(0, more) >> 1;
  return [before, Math.max(0, more) - before];
}
