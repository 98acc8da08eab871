import {
  checkInteger,
  checkOptions,
  checkShape,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import { apply, type Handle } from '../graph/dispatch.ts';
import { type InitializerName, initializers } from '../graph/initializers.ts';
import { checkTensor } from '../graph/trace.ts';
import { checkNorm, type NormAttrs } from '../ops/batchNormalization.ts';
import { type Padding, type Pair, resolvePadding } from '../ops/geometry.ts';
import type { OpName } from '../ops/table.ts';
import { Module } from './module.ts';

export interface LayerOptions {
  /** Name of the node in the graph; by default the op's name, numbered. */
  readonly name?: string;
  /** Shape of one sample, on a model's first layer: [H,W,C] or [K]. */
  readonly inputShape?: Shape;
}

export interface WindowOptions extends LayerOptions {
  /** Default 1. */
  readonly strides?: number | Pair;
  /** 'same' (ceil(extent / stride) outputs), 'valid' (the default), a number, or [[top, bottom], [left, right]]. */
  readonly padding?: 'same' | 'valid' | number | Padding;
}

interface KernelOptions extends WindowOptions {
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

export interface PoolOptions extends WindowOptions {
  /** Default 2. */
  readonly poolSize?: number | Pair;
}

const BASE = ['name', 'inputShape'];
const WINDOW = [...BASE, 'strides', 'padding'];
const KERNEL = [...WINDOW, 'kernelSize', 'dilation', 'useBias', 'kernelInitializer'];

function pair(op: OpName, name: string, value: number | Pair): Pair {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2) return value;
  throw typeError(op, `${name} must be a number or a pair`, shown(value));
}

function checkPadding(op: OpName, padding: WindowOptions['padding']): void {
  if (padding === 'same' || padding === 'valid' || typeof padding === 'number') return;
  if (Array.isArray(padding) && padding.length === 2 && padding.flat().length === 4) return;
  throw typeError(op, "padding must be 'same', 'valid', a number or two pairs", shown(padding));
}

function shown(value: unknown): unknown {
  return Array.isArray(value) ? value : kindOf(value);
}

function initializerOf(
  op: OpName,
  { kernelInitializer = 'glorotUniform' }: { readonly kernelInitializer?: InitializerName },
): InitializerName {
  if (Object.hasOwn(initializers, kernelInitializer)) return kernelInitializer;
  const expected = `kernelInitializer must be one of ${Object.keys(initializers).join(', ')}`;
  throw rangeError(op, expected, kindOf(kernelInitializer));
}

/** What every layer has: a name, perhaps an input shape, and options that exist. */
abstract class Layer<O extends LayerOptions> extends Module {
  constructor(
    protected readonly op: OpName,
    protected readonly options: O,
    known: readonly string[],
  ) {
    super();
    checkOptions(op, options, known);
    const { inputShape, name } = options;
    if (inputShape !== undefined) checkShape(op, 'inputShape', inputShape);
    if (name !== undefined && typeof name !== 'string') {
      throw typeError(op, 'name must be a string', kindOf(name));
    }
  }

  protected override get label(): string {
    return this.options.name ?? this.op;
  }

  override get inputShape(): Shape | undefined {
    return this.options.inputShape;
  }

  protected call(inputs: Parameters<typeof apply>[1], attrs: Attrs = {}): Handle {
    return apply(this.op, inputs, attrs, this.options.name);
  }

  protected bias(channels: number) {
    return this.parameter({ name: 'bias', shape: [channels], initializer: 'zeros' });
  }
}

class Convolution extends Layer<KernelOptions & { readonly filters?: number }> {
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
function checkWindow(op: OpName, options: WindowOptions & { readonly dilation?: number | Pair }) {
  const { strides = 1, padding = 'valid', dilation = 1 } = options;
  checkPadding(op, padding);
  for (const extent of pair(op, 'strides', strides)) checkInteger(op, 'strides', extent, 1);
  for (const step of pair(op, 'dilation', dilation)) checkInteger(op, 'dilation', step, 1);
}

/** Attributes in full from options and the size of the image. */
function windowAttrs(
  op: OpName,
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

class Dense extends Layer<DenseOptions> {
  constructor(options: DenseOptions) {
    super('dense', options, [...BASE, 'units', 'useBias', 'kernelInitializer']);
    checkInteger('dense', 'units', options.units, 1);
    initializerOf('dense', options);
  }

  forward(x: Handle): Handle {
    const { units, useBias = true } = this.options;
    const features = x.shape[1]!;
    const kernel = this.parameter({
      name: 'kernel',
      shape: [units, features],
      initializer: initializerOf('dense', this.options),
      decay: true,
      fanIn: features,
      fanOut: units,
    });
    return this.call(useBias ? [x, kernel, this.bias(units)] : [x, kernel]);
  }
}

class BatchNormalization extends Layer<NormOptions> {
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
    return this.call([x, gamma, beta, mean, variance], { ...this.#attrs });
  }
}

class Pool extends Layer<PoolOptions> {
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

class Pointwise extends Layer<LayerOptions> {
  forward(x: Handle): Handle {
    return this.call([x]);
  }
}

/** Adds tensors of one shape. */
export class Add extends Layer<LayerOptions> {
  forward(): Handle {
    throw new TypeError('add: two tensors are expected; call merge(a, b)');
  }

  merge(a: Handle, b: Handle): Handle {
    for (const x of [a, b]) checkTensor(this.label, x);
    return this.call([a, b]);
  }
}

/** Layer makers; each is one op of the graph with its parameters. Images are NHWC. */
export const layers = {
  /** x [N,H,W,Ci] → [N,H′,W′,filters] */
  conv2d: (options: Conv2dOptions): Module =>
    new Convolution('conv2d', options, [...KERNEL, 'filters']),
  /** x [N,H,W,C] → [N,H′,W′,C], one kernel for each channel */
  depthwiseConv2d: (options: KernelOptions): Module =>
    new Convolution('depthwiseConv2d', options, KERNEL),
  /** x [N,K] → [N,units] */
  dense: (options: DenseOptions): Module => new Dense(options),
  /** x [N,…,C] → the same shape */
  batchNormalization: (options: NormOptions = {}): Module => new BatchNormalization(options),
  relu: (options: LayerOptions = {}): Module => new Pointwise('relu', options, BASE),
  relu6: (options: LayerOptions = {}): Module => new Pointwise('relu6', options, BASE),
  /** Two inputs of one shape: `layers.add().merge(a, b)`, or the function `add(a, b)`. */
  add: (options: LayerOptions = {}): Add => new Add('add', options, BASE),
  /** x [N,H,W,C]; strides default to poolSize, as in Keras */
  maxPool2d: (options: PoolOptions = {}): Module => new Pool('maxPool2d', options),
  averagePool2d: (options: PoolOptions = {}): Module => new Pool('averagePool2d', options),
  /** x [N,H,W,C] → [N,C] */
  globalAveragePool2d: (options: LayerOptions = {}): Module =>
    new Pointwise('globalAveragePool2d', options, BASE),
  /** x [N,…] → [N,K] */
  flatten: (options: LayerOptions = {}): Module => new Pointwise('flatten', options, BASE),
} as const;

/** y = a + b, for models written as code. */
export function add(a: Handle, b: Handle): Handle {
  for (const x of [a, b]) checkTensor('add', x);
  return apply('add', [a, b]);
}
