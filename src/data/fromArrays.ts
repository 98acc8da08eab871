import { checkInteger, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { Rng } from '../core/rng.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { Augmenter } from './augment.ts';
import { type Batch, type Dataset, emptyLike, type SampleArray, type Samples } from './dataset.ts';
import {
  checkDatasetOptions,
  checkFinite,
  DATASET_OPTIONS,
  type DatasetOptions,
} from './options.ts';
import { PIXELS } from './pixels.ts';
import { PositionedDataset } from './position.ts';

export interface ArraysOptions extends DatasetOptions {
  /** [n, …shape] flat: uint8 before preprocessing, whole numbers such as token ids, or f32. Read in place, not copied. */
  readonly x: SampleArray;
  /** [n] class indices in [0, classes), or [n, …targetShape] flat: finite real targets. */
  readonly y: ArrayLike<number>;
  /** True unless given: each epoch has its own order. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is not full. False unless given. */
  readonly dropRemainder?: boolean;
}

const OPTIONS = ['x', 'y', 'shuffle', 'dropRemainder', ...DATASET_OPTIONS];

/** A dataset over arrays in memory. Throws a RangeError or TypeError when they do not fit together. */
export function fromArrays(options: ArraysOptions): ArrayDataset {
  return new ArrayDataset(options);
}

/** Samples [from, to) of a dataset in memory, as a dataset with the same options. */
export function subset({ options }: ArrayDataset, from: number, to: number): ArrayDataset {
  const { targetShape } = options;
  const target = sizeOf(targetShape ?? []);
  const y = targetShape ? Float32Array.from(options.y) : Int32Array.from(options.y);
  const count = y.length / target;
  checkInteger('subset', 'from', from, 0, count - 1);
  checkInteger('subset', 'to', to, from + 1, count);
  const size = sizeOf(options.shape);
  return new ArrayDataset({
    ...options,
    x: options.x.subarray(from * size, to * size),
    y: y.subarray(from * target, to * target),
  });
}

export class ArrayDataset extends PositionedDataset implements Dataset, Samples {
  readonly x: SampleArray;
  readonly y: Int32Array | Float32Array;
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly shape: Shape;
  readonly classes: number;
  readonly targetShape?: Shape;
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  readonly seed: number;
  readonly #shuffle: boolean;
  readonly #augmenter: Augmenter | undefined;

  constructor(readonly options: ArraysOptions) {
    super();
    checkOptions('fromArrays', options, OPTIONS);
    const { x, shape, targetShape, batchSize = 64, shuffle = true, seed = 0 } = options;
    checkDatasetOptions('fromArrays', options, x instanceof Uint8Array);
    this.y = checkTargets(options);
    this.classes = targetShape ? 0 : options.classes!;
    if (targetShape) this.targetShape = targetShape;
    this.length = this.y.length / sizeOf(targetShape ?? []);
    this.x = checkSamples(x, this.length, shape);
    if (options.preprocessing && !(x instanceof Uint8Array)) {
      throw typeError('fromArrays', 'preprocessing is for x of Uint8Array', kindOf(x));
    }
    this.batchSize = batchSize;
    const steps = this.length / batchSize;
    this.steps = options.dropRemainder ? Math.floor(steps) : Math.ceil(steps);
    if (this.steps === 0) throw rangeError('fromArrays', 'an epoch must have a batch', 'none');
    this.shape = shape;
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
    const x = emptyLike(this.x, size);
    const { targetShape } = this;
    if (!targetShape) return { x, y: new Int32Array(samples) };
    return { x, y: new Float32Array(samples * sizeOf(targetShape)) };
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
    const target = sizeOf(this.targetShape ?? []);
    indices.forEach((index, row) => {
      x.set(this.x.subarray(index * sample, (index + 1) * sample), row * sample);
      for (let i = 0; i < target; i++) y[row * target + i] = this.y[index * target + i]!;
    });
    const size = indices.length;
    return { x: x.subarray(0, size * sample), y: y.subarray(0, size * target), size };
  }
}

function checkSamples(x: SampleArray, count: number, shape: Shape): SampleArray {
  if (!(x instanceof Uint8Array || x instanceof Int32Array || x instanceof Float32Array)) {
    throw typeError('fromArrays', 'x must be a Uint8Array, Int32Array or Float32Array', kindOf(x));
  }
  const length = count * sizeOf(shape);
  if (x.length === length) return x;
  const expected = `x must have ${length} values (${count} samples of ${showShape(shape)})`;
  throw rangeError('fromArrays', expected, x.length);
}

function checkTargets({ y, classes, targetShape }: ArraysOptions): Int32Array | Float32Array {
  if (!targetShape) return checkLabels(y, classes!);
  const target = sizeOf(targetShape);
  if (typeof y !== 'object' || !(y?.length > 0 && y.length % target === 0)) {
    const expected = `y must have a multiple of ${target} values (targets ${showShape(targetShape)})`;
    throw rangeError('fromArrays', expected, y?.length ?? kindOf(y));
  }
  checkFinite('fromArrays', y);
  return Float32Array.from(y);
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
