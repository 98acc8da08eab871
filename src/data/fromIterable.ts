import { checkInteger, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { Rng } from '../core/rng.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { Augmenter } from './augment.ts';
import type { Batch, Dataset, SampleArray, Samples } from './dataset.ts';
import {
  checkDatasetOptions,
  checkFinite,
  DATASET_OPTIONS,
  type DatasetOptions,
} from './options.ts';
import { PIXELS } from './pixels.ts';
import { PositionedDataset } from './position.ts';

/** One sample. Its values are copied before the next one is asked for. */
export interface Sample {
  readonly x: SampleArray;
  /** Class index, or as many finite real targets as `targetShape` says. */
  readonly y: number | ArrayLike<number>;
}

export type SampleSource = Iterable<Sample> | AsyncIterable<Sample>;

/** What samples may be made of, and how they are held. */
const KINDS = { u8: Uint8Array, i32: Int32Array, f32: Float32Array } as const;

export interface IterableOptions extends DatasetOptions {
  /**
   * The samples of an epoch: what can be iterated again and again, like an array, or a function that gives a fresh
   * iteration, like a generator function. For training that can be resumed it must give the same samples for the same epoch.
   */
  readonly source: SampleSource | ((epoch: number) => SampleSource);
  /** Samples of an epoch; what a source has beyond them is not read. */
  readonly length: number;
  /** What samples are made of: 'u8' before preprocessing, 'i32' such as token ids, or 'f32', the default. */
  readonly dtype?: keyof typeof KINDS;
  /**
   * Samples that are held to draw the next one from: 0, the default, keeps the order of the source, `length` mixes all of
   * it, and what lies between mixes neighbours.
   */
  readonly shuffleBuffer?: number;
}

const OPTIONS = ['source', 'length', 'dtype', 'shuffleBuffer', ...DATASET_OPTIONS];

/**
 * A dataset of samples that come one by one: from a generator, a stream, a database. Nothing but a batch, and the shuffle
 * buffer, is held. Resuming inside an epoch reads the samples before that place again. Throws a RangeError or TypeError
 * when options do not fit together, and while iterating when a sample does not or when there are too few.
 */
export function fromIterable(options: IterableOptions): Dataset {
  return new IterableDataset(options);
}

class IterableDataset extends PositionedDataset implements Dataset {
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly shape: Shape;
  readonly classes: number;
  readonly targetShape?: Shape;
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  readonly seed: number;
  readonly #augmenter: Augmenter | undefined;

  constructor(readonly options: IterableOptions) {
    super();
    checkIterable(options);
    const { length, shape, targetShape, dtype = 'f32', batchSize = 64, seed = 0 } = options;
    this.length = length;
    this.batchSize = batchSize;
    this.steps = Math.ceil(length / batchSize);
    this.shape = shape;
    this.classes = targetShape ? 0 : options.classes!;
    if (targetShape) this.targetShape = targetShape;
    if (dtype === 'u8') this.preprocessing = options.preprocessing ?? PIXELS;
    if (options.labels) this.labels = options.labels;
    this.seed = seed;
    this.#augmenter = Augmenter.of('fromIterable', options.augment, this);
  }

  async *batches(epoch: number, step = 0): AsyncGenerator<Batch, void, void> {
    const samples = this.#samples(epoch);
    try {
      const room = this.#room();
      for (let at = 0; at < this.steps; at++) {
        const size = Math.min(this.batchSize, this.length - at * this.batchSize);
        const batch = await this.#gather(samples, room, size);
        if (at < step) continue;
        this.#augmenter?.apply(batch, { seed: this.seed, epoch, step: at });
        yield batch;
      }
    } finally {
      await samples.return();
    }
  }

  #room(): Samples {
    const samples = Math.min(this.batchSize, this.length);
    const x = new KINDS[this.options.dtype ?? 'f32'](samples * sizeOf(this.shape));
    const { targetShape } = this;
    if (!targetShape) return { x, y: new Int32Array(samples) };
    return { x, y: new Float32Array(samples * sizeOf(targetShape)) };
  }

  async #gather(samples: AsyncIterator<Sample>, { x, y }: Samples, size: number): Promise<Batch> {
    const values = sizeOf(this.shape);
    const targets = sizeOf(this.targetShape ?? []);
    for (let row = 0; row < size; row++) {
      const { value: sample } = await samples.next();
      x.set(sample.x, row * values);
      y.set(typeof sample.y === 'number' ? [sample.y] : sample.y, row * targets);
    }
    return { x: x.subarray(0, size * values), y: y.subarray(0, size * targets), size };
  }

  /** The checked samples of an epoch in their final order. */
  async *#samples(epoch: number): AsyncGenerator<Sample, void, void> {
    const { shuffleBuffer = 0 } = this.options;
    const source = this.#checked(epoch);
    if (shuffleBuffer === 0) return yield* source;
    const random = new Rng(Math.imul(this.seed, 0x9e3779b1) + epoch);
    const held: Sample[] = [];
    for await (const { x, y } of source) {
      held.push({ x: x.slice(), y: typeof y === 'number' ? y : Float32Array.from(y) });
      if (held.length === shuffleBuffer) yield draw(held, random);
    }
    while (held.length > 0) yield draw(held, random);
  }

  async *#checked(epoch: number): AsyncGenerator<Sample, void, void> {
    const { source } = this.options;
    let index = 0;
    for await (const sample of typeof source === 'function' ? source(epoch) : source) {
      this.#check(sample, `fromIterable: sample ${index} of epoch ${epoch}`);
      yield sample;
      if (++index === this.length) return;
    }
    const expected = `the source must give ${this.length} samples in epoch ${epoch}`;
    throw rangeError('fromIterable', expected, index);
  }

  #check(sample: Sample, where: string): void {
    if (typeof sample !== 'object' || sample === null) {
      throw typeError(where, 'expected { x, y }', kindOf(sample));
    }
    const { x, y } = sample;
    const kind = KINDS[this.options.dtype ?? 'f32'];
    if (!(x instanceof kind)) throw typeError(where, `x must be a ${kind.name}`, kindOf(x));
    if (x.length !== sizeOf(this.shape)) {
      const expected = `x must have ${sizeOf(this.shape)} values ${showShape(this.shape)}`;
      throw rangeError(where, expected, x.length);
    }
    if (this.targetShape) checkTarget(where, y, this.targetShape);
    else checkInteger(where, 'y', y as number, 0, this.classes - 1);
  }
}

function checkTarget(where: string, y: Sample['y'], shape: Shape): void {
  const targets = typeof y === 'number' ? [y] : y;
  if (targets?.length !== sizeOf(shape)) {
    const expected = `y must have ${sizeOf(shape)} values ${showShape(shape)}`;
    throw rangeError(where, expected, targets?.length ?? kindOf(y));
  }
  checkFinite(where, targets);
}

/** Takes one of the held samples; the last one moves to its place. */
function draw(held: Sample[], random: Rng): Sample {
  const i = random.below(held.length);
  const drawn = held[i]!;
  const last = held.pop()!;
  if (i < held.length) held[i] = last;
  return drawn;
}

function checkIterable(options: IterableOptions): void {
  const where = 'fromIterable';
  checkOptions(where, options, OPTIONS);
  const { source, length, dtype = 'f32', preprocessing, shuffleBuffer = 0 } = options;
  checkSource(source);
  checkInteger(where, 'length', length, 1);
  checkInteger(where, 'shuffleBuffer', shuffleBuffer, 0);
  if (!Object.hasOwn(KINDS, dtype)) {
    throw rangeError(where, 'dtype must be u8, i32 or f32', kindOf(dtype));
  }
  checkDatasetOptions(where, options, dtype === 'u8');
  if (!preprocessing || dtype === 'u8') return;
  throw typeError(where, 'preprocessing is for samples of u8', dtype);
}

function checkSource(source: IterableOptions['source']): void {
  if (typeof source === 'function') return;
  const many = typeof source === 'object' && source !== null;
  if (many && (Symbol.iterator in source || Symbol.asyncIterator in source)) return;
  const expected = 'source must be an iterable of samples, or a function that gives one';
  throw typeError('fromIterable', expected, kindOf(source));
}
