/** Layers that slide a window over an image. */

import { checkInteger, typeError } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { InitializerName } from '../graph/initializers.ts';
import { type Padding, type Pair, resolvePadding } from '../ops/geometry.ts';
import { BASE, initializerOf, Layer, type LayerOptions, pair, shown } from './layer.ts';

export interface WindowOptions extends LayerOptions {
  /** Default 1. */
  readonly strides?: number | Pair;
  /** 'same' (ceil(extent / stride) outputs), 'valid' (the default), a number, or [[top, bottom], [left, right]]. */
  readonly padding?: 'same' | 'valid' | number | Padding;
}

export interface KernelOptions extends WindowOptions {
  readonly kernelSize: number | Pair;
  /** Default 1. */
  readonly dilation?: number | Pair;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform', as in Keras. */
  readonly kernelInitializer?: InitializerName;
}

export interface Conv2dOptions extends KernelOptions {
  /** Output channels. */
  readonly filters: number;
}

export interface PoolOptions extends WindowOptions {
  /** Default 2. */
  readonly poolSize?: number | Pair;
}

export const WINDOW = [...BASE, 'strides', 'padding'];
export const KERNEL = [...WINDOW, 'kernelSize', 'dilation', 'useBias', 'kernelInitializer'];

function checkPadding(op: string, padding: WindowOptions['padding']): void {
  if (padding === 'same' || padding === 'valid' || typeof padding === 'number') return;
  if (Array.isArray(padding) && padding.length === 2 && padding.flat().length === 4) return;
  throw typeError(op, "padding must be 'same', 'valid', a number or two pairs", shown(padding));
}

export class Convolution extends Layer<KernelOptions & { readonly filters?: number }> {
  readonly #kernelSize: Pair;

  constructor(op: 'conv2d' | 'depthwiseConv2d', options: KernelOptions, known: readonly string[]) {
    super(op, options, known);
    if (op === 'conv2d') checkInteger(op, 'filters', this.options.filters!, 1);
    this.#kernelSize = pair(op, 'kernelSize', options.kernelSize);
    for (const size of this.#kernelSize) checkInteger(op, 'kernelSize', size, 1);
    initializerOf(op, options);
    checkWindow(op, options);
  }

  forward(x: Handle): Handle {
    const { filters, useBias = true } = this.options;
    const [kh, kw] = this.#kernelSize;
    const channels = x.shape[3]!;
    const kernel = this.parameter({
      name: 'kernel',
      shape: filters === undefined ? [kh, kw, channels] : [filters, kh, kw, channels],
      initializer: initializerOf(this.op, this.options),
      decay: true,
      fanIn: kh * kw * (filters === undefined ? 1 : channels),
      fanOut: kh * kw * (filters ?? 1),
    });
    const inputs = useBias ? [x, kernel, this.bias(filters ?? channels)] : [x, kernel];
    return this.call(inputs, windowAttrs(this.op, x, [kh, kw], this.options));
  }
}

/** Throws unless strides, padding and dilation are of their kinds. */
export function checkWindow(
  op: string,
  options: WindowOptions & { readonly dilation?: number | Pair },
) {
  const { strides = 1, padding = 'valid', dilation = 1 } = options;
  checkPadding(op, padding);
  for (const extent of pair(op, 'strides', strides)) checkInteger(op, 'strides', extent, 1);
  for (const step of pair(op, 'dilation', dilation)) checkInteger(op, 'dilation', step, 1);
}

/** Attributes in full from options and the size of the image. */
export function windowAttrs(
  op: string,
  x: Handle,
  kernel: Pair,
  options: WindowOptions & { readonly dilation?: number | Pair },
) {
  const strides = pair(op, 'strides', options.strides ?? 1);
  const dilation = pair(op, 'dilation', options.dilation ?? 1);
  const image: Pair = [x.shape[1]!, x.shape[2]!];
  const padding = resolvePadding(options.padding ?? 'valid', image, kernel, strides, dilation);
  return { strides, padding, dilation };
}

export class Pool extends Layer<PoolOptions> {
  constructor(op: 'maxPool2d' | 'averagePool2d', options: PoolOptions) {
    super(op, options, [...WINDOW, 'poolSize']);
    for (const size of pair(op, 'poolSize', options.poolSize ?? 2)) {
      checkInteger(op, 'poolSize', size, 1);
    }
    checkWindow(op, options);
  }

  forward(x: Handle): Handle {
    const poolSize = pair(this.op, 'poolSize', this.options.poolSize ?? 2);
    const strides = this.options.strides ?? poolSize;
    const attrs = windowAttrs(this.op, x, poolSize, { ...this.options, strides });
    return this.call([x], { ...attrs, poolSize });
  }
}
