import {
  checkInteger,
  checkOptions,
  checkShape,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { Rng } from '../core/rng.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { type Augmentation, Augmenter } from './augment.ts';
import type { Batch, Dataset, Samples } from './dataset.ts';
import { checkPreprocessing, PIXELS } from './pixels.ts';
import { PositionedDataset } from './position.ts';

export interface ArraysOptions {
  /** [n, …shape] flat: uint8 before preprocessing, or f32. Read in place, not copied. */
  readonly x: Uint8Array | Float32Array;
  /** [n] class indices in [0, classes). */
  readonly y: ArrayLike<number>;
  /** Of one sample. */
  readonly shape: Shape;
  readonly classes: number;
  /** 64 unless given. */
  readonly batchSize?: number;
  /** True unless given: each epoch has its own order. */
  readonly shuffle?: boolean;
  /** 0 unless given. */
  readonly seed?: number;
  /** Leaves out a last batch that is not full. False unless given. */
  readonly dropRemainder?: boolean;
  /** Of uint8 samples; pixel / 255 unless given. */
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  /** Changes each uint8 image [H,W,C] of a batch before it is normalized, in this order. */
  readonly augment?: readonly Augmentation[];
}

const OPTIONS = [
  'x',
  'y',
  'shape',
  'classes',
  'batchSize',
  'shuffle',
  'seed',
  'dropRemainder',
  'preprocessing',
  'labels',
  'augment',
];

/** A dataset over arrays in memory. Throws a RangeError or TypeError when they do not fit together. */
export function fromArrays(options: ArraysOptions): ArrayDataset {
  return new ArrayDataset(options);
}

/** Samples [from, to) of a dataset in memory, as a dataset with the same options. */
export function subset({ options }: ArrayDataset, from: number, to: number): ArrayDataset {
  const y = Int32Array.from(options.y);
  checkInteger('subset', 'from', from, 0, y.length - 1);
  checkInteger('subset', 'to', to, from + 1, y.length);
  const size = sizeOf(options.shape);
  return new ArrayDataset({
    ...options,
    x: options.x.subarray(from * size, to * size),
    y: y.subarray(from, to),
  });
}

export class ArrayDataset extends PositionedDataset implements Dataset, Samples {
  readonly x: Uint8Array | Float32Array;
  readonly y: Int32Array;
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly shape: Shape;
  readonly classes: number;
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  readonly seed: number;
  readonly #shuffle: boolean;
  readonly #augmenter: Augmenter | undefined;

  constructor(readonly options: ArraysOptions) {
    super();
    checkOptions('fromArrays', options, OPTIONS);
    const { x, shape, classes, batchSize = 64, shuffle = true, seed = 0 } = options;
    checkInteger('fromArrays', 'batchSize', batchSize, 1);
    checkInteger('fromArrays', 'classes', classes, 1);
    checkInteger('fromArrays', 'seed', seed, Number.MIN_SAFE_INTEGER);
    checkShape('fromArrays', 'shape', shape);
    this.y = checkLabels(options.y, classes);
    this.x = checkSamples(x, this.y.length, shape);
    if (options.preprocessing) {
      if (!(x instanceof Uint8Array)) {
        throw typeError('fromArrays', 'preprocessing is for x of Uint8Array', kindOf(x));
      }
      checkPreprocessing('fromArrays', options.preprocessing, shape);
    }
    this.length = this.y.length;
    this.batchSize = batchSize;
    const steps = this.length / batchSize;
    this.steps = options.dropRemainder ? Math.floor(steps) : Math.ceil(steps);
    if (this.steps === 0) throw rangeError('fromArrays', 'an epoch must have a batch', 'none');
    this.shape = shape;
    this.classes = classes;
    const preprocessing = options.preprocessing ?? (x instanceof Uint8Array ? PIXELS : undefined);
    if (preprocessing) this.preprocessing = preprocessing;
    if (options.labels) this.labels = options.labels;
    this.seed = seed;
    this.#shuffle = shuffle;
    this.#augmenter = Augmenter.of('fromArrays', options.augment, this);
  }

  async *batches(epoch: number, step = 0): AsyncGenerator<Batch, void, void> {
    const order = this.#order(epoch);
    const room = this.#room();
    for (let at = step; at < this.steps; at++) {
      const indices = order.subarray(at * this.batchSize, (at + 1) * this.batchSize);
      const batch = this.#gather(indices, room);
      this.#augmenter?.apply(batch, { seed: this.seed, epoch, step: at });
      yield batch;
    }
  }

  /** Arrays for a full batch: each iteration has its own, as iterations may overlap. */
  #room(): Samples {
    const samples = Math.min(this.batchSize, this.length);
    const size = samples * sizeOf(this.shape);
    const x = this.x instanceof Float32Array ? new Float32Array(size) : new Uint8Array(size);
    return { x, y: new Int32Array(samples) };
  }

  /** Indices of the samples of one epoch. */
  #order(epoch: number): Uint32Array {
    const order = Uint32Array.from({ length: this.length }, (_, i) => i);
    if (!this.#shuffle) return order;
    // The multiplier keeps epoch 1 of seed 0 apart from epoch 0 of seed 1.
    return new Rng(Math.imul(this.seed, 0x9e3779b1) + epoch).shuffle(order);
  }

  #gather(indices: Uint32Array, { x, y }: Samples): Batch {
    const sample = sizeOf(this.shape);
    indices.forEach((index, row) => {
      x.set(this.x.subarray(index * sample, (index + 1) * sample), row * sample);
      y[row] = this.y[index]!;
    });
    const size = indices.length;
    return { x: x.subarray(0, size * sample), y: y.subarray(0, size), size };
  }
}

function checkSamples(x: ArraysOptions['x'], count: number, shape: Shape): ArraysOptions['x'] {
  if (!(x instanceof Uint8Array || x instanceof Float32Array)) {
    throw typeError('fromArrays', 'x must be a Uint8Array or Float32Array', kindOf(x));
  }
  const length = count * sizeOf(shape);
  if (x.length === length) return x;
  const expected = `x must have ${length} values (${count} samples of ${showShape(shape)})`;
  throw rangeError('fromArrays', expected, x.length);
}

function checkLabels(y: ArrayLike<number>, classes: number): Int32Array {
  if (typeof y !== 'object' || !Number.isInteger(y?.length)) {
    throw typeError('fromArrays', 'y must be an array of class indices', kindOf(y));
  }
  if (y.length === 0) throw rangeError('fromArrays', 'there must be a sample', 'none');
  for (let i = 0; i < y.length; i++) {
    checkInteger('fromArrays', `y[${i}]`, y[i]!, 0, classes - 1);
  }
  return Int32Array.from(y);
}
