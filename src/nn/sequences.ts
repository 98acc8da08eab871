/** Layers over sequences [N,T,C]: those over images of one row, [N,1,T,C]. */

import { checkInteger, rangeError, typeError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { InitializerName } from '../graph/initializers.ts';
import type { Padding, Pair } from '../ops/geometry.ts';
import { BASE, initializerOf, Layer, type LayerOptions, pair, shown } from './layer.ts';
import type { Module } from './module.ts';
import { Cropping2d, UpSampling2d, ZeroPadding2d } from './movement.ts';
import { GlobalPool, type GlobalPoolName, type GlobalPoolOptions } from './pools.ts';
import { rowOf, sequenceOf } from './rows.ts';
import { SeparableConv2d } from './separable.ts';
import { Convolution, KERNEL, Pool, WINDOW } from './windows.ts';

export interface Window1dOptions extends LayerOptions {
  /** Default 1. */
  readonly strides?: number;
  /**
   * 'same' (ceil(T / stride) outputs), 'valid' (the default), 'causal' (outputs see no later input), a number, or
   * [before, after].
   */
  readonly padding?: 'same' | 'valid' | 'causal' | number | Pair;
}

export interface Kernel1dOptions extends Window1dOptions {
  readonly kernelSize: number;
  /** Default 1. */
  readonly dilation?: number;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform', as in Keras. */
  readonly kernelInitializer?: InitializerName;
}

export interface Conv1dOptions extends Kernel1dOptions {
  /** Output channels. */
  readonly filters: number;
}

export interface Pool1dOptions extends Window1dOptions {
  /** Default 2. */
  readonly poolSize?: number;
}

/** A layer over images whose input and output are sequences. It takes the name; messages have that of this one. */
class Row extends Layer<LayerOptions> {
  readonly #inner: Module;

  constructor(
    kind: string,
    options: LayerOptions,
    known: readonly string[],
    inner: (own: LayerOptions) => Module,
  ) {
    super('reshape', options, known, kind);
    this.#inner = inner(options.name === undefined ? {} : { name: options.name });
  }

  forward(x: Handle): Handle {
    return sequenceOf(this.#inner.apply(rowOf(this.kind, x)));
  }
}

/** Padding of a window that reaches over `reach` + 1 elements, for an image of one row. */
function rowPadding(
  kind: string,
  padding: Window1dOptions['padding'] = 'valid',
  reach: number,
): 'same' | 'valid' | Padding {
  if (padding === 'same' || padding === 'valid') return padding;
  if (padding === 'causal') return beside([reach, 0]);
  if (typeof padding !== 'number' && !Array.isArray(padding)) {
    const expected = "padding must be 'same', 'valid', 'causal', a number or a pair";
    throw typeError(kind, expected, shown(padding));
  }
  return sides(kind, 'padding', padding as number | Pair);
}

function beside(sides: Pair): Padding {
  return [[0, 0], sides];
}

function sides(kind: string, name: string, given: number | Pair): Padding {
  const both = pair(kind, name, given);
  for (const side of both) checkInteger(kind, name, side, 0);
  return beside(both);
}

function windowOf(kind: string, options: Window1dOptions, strides: number, reach: number) {
  checkInteger(kind, 'strides', strides, 1);
  return {
    strides: [1, strides] as const,
    padding: rowPadding(kind, options.padding, reach),
  };
}

function kernelOf(kind: string, options: Kernel1dOptions) {
  const { kernelSize, dilation = 1, strides = 1, useBias = true } = options;
  checkInteger(kind, 'kernelSize', kernelSize, 1);
  checkInteger(kind, 'dilation', dilation, 1);
  return {
    ...windowOf(kind, options, strides, (kernelSize - 1) * dilation),
    kernelSize: [1, kernelSize] as const,
    dilation: [1, dilation] as const,
    useBias,
    kernelInitializer: initializerOf(kind, options),
  };
}

export function conv1d(options: Conv1dOptions): Module {
  return new Row('conv1d', options, [...KERNEL, 'filters'], (own) => {
    const { filters } = options;
    checkInteger('conv1d', 'filters', filters, 1);
    const inner = { ...own, ...kernelOf('conv1d', options), filters };
    return new Convolution('conv2d', inner, [...KERNEL, 'filters']);
  });
}

export function depthwiseConv1d(options: Kernel1dOptions): Module {
  return new Row('depthwiseConv1d', options, KERNEL, (own) => {
    const inner = { ...own, ...kernelOf('depthwiseConv1d', options) };
    return new Convolution('depthwiseConv2d', inner, KERNEL);
  });
}

export function separableConv1d(options: Conv1dOptions): Module {
  return new Row('separableConv1d', options, [...KERNEL, 'filters'], (own) => {
    const { filters } = options;
    checkInteger('separableConv1d', 'filters', filters, 1);
    return new SeparableConv2d({ ...own, ...kernelOf('separableConv1d', options), filters });
  });
}

export function pool1d(kind: 'maxPool1d' | 'averagePool1d', options: Pool1dOptions): Module {
  return new Row(kind, options, [...WINDOW, 'poolSize'], (own) => {
    const { poolSize = 2, strides = poolSize } = options;
    checkInteger(kind, 'poolSize', poolSize, 1);
    const window = windowOf(kind, options, strides, poolSize - 1);
    const op = kind === 'maxPool1d' ? 'maxPool2d' : 'averagePool2d';
    return new Pool(op, { ...own, ...window, poolSize: [1, poolSize] });
  });
}

/** [N,T,C] → [N,C], or [N,1,C] with keepDims. */
class GlobalPool1d extends Layer<GlobalPoolOptions> {
  readonly #inner: GlobalPool;

  constructor(kind: string, pool: GlobalPoolName, options: GlobalPoolOptions) {
    super('reshape', options, [...BASE, 'keepDims'], kind);
    const { inputShape: _, ...own } = options;
    this.#inner = new GlobalPool(pool, own, kind);
  }

  forward(x: Handle): Handle {
    const y = this.#inner.apply(rowOf(this.kind, x));
    return this.options.keepDims ? sequenceOf(y) : y;
  }
}

export function globalPool1d(pool: 'max' | 'average', options: GlobalPoolOptions): Module {
  return pool === 'max'
    ? new GlobalPool1d('globalMaxPool1d', 'globalMaxPool2d', options)
    : new GlobalPool1d('globalAveragePool1d', 'globalAveragePool2d', options);
}

export interface ZeroPadding1dOptions extends LayerOptions {
  /** Elements of 0 on both sides, or [before, after]; default 1. */
  readonly padding?: number | Pair;
}

export function zeroPadding1d(options: ZeroPadding1dOptions): Module {
  return new Row('zeroPadding1d', options, [...BASE, 'padding'], (own) => {
    const padding = sides('zeroPadding1d', 'padding', options.padding ?? 1);
    return new ZeroPadding2d({ ...own, padding });
  });
}

export interface Cropping1dOptions extends LayerOptions {
  /** Elements to leave out on both sides, or [before, after]; default none. */
  readonly cropping?: number | Pair;
}

export function cropping1d(options: Cropping1dOptions): Module {
  return new Row('cropping1d', options, [...BASE, 'cropping'], (own) => {
    const cropping = sides('cropping1d', 'cropping', options.cropping ?? 0);
    return new Cropping2d({ ...own, cropping });
  });
}

export interface UpSampling1dOptions extends LayerOptions {
  /** How many elements each becomes; default 2. */
  readonly size?: number;
}

export function upSampling1d(options: UpSampling1dOptions): Module {
  return new Row('upSampling1d', options, [...BASE, 'size'], (own) => {
    const { size = 2 } = options;
    checkInteger('upSampling1d', 'size', size, 1);
    return new UpSampling2d({ ...own, size: [1, size] });
  });
}

export interface RepeatVectorOptions extends LayerOptions {
  /** How many times. */
  readonly n: number;
}

/** [N,C] → [N,n,C] */
export class RepeatVector extends Layer<RepeatVectorOptions> {
  constructor(options: RepeatVectorOptions) {
    super('resize', options, [...BASE, 'n'], 'repeatVector');
    checkInteger('repeatVector', 'n', options.n, 1);
  }

  forward(x: Handle): Handle {
    if (x.shape.length !== 2) {
      throw rangeError('repeatVector', 'x must be [N,C]', showShape(x.shape));
    }
    const [batch, channels] = x.shape as [number, number];
    const pixel = x.apply('reshape', [x], { shape: [batch, 1, 1, channels] });
    const size = [1, this.options.n];
    const nearest = { method: 'nearest', alignCorners: false, halfPixelCenters: true };
    return sequenceOf(this.call([pixel], { size, ...nearest }));
  }
}
