import { rangeError } from '../core/errors.ts';
import { peek } from '../core/peek.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

/** uint8 before preprocessing, whole numbers such as token ids, or f32. */
export type SampleArray = Uint8Array | Int32Array | Float32Array;

/** `size` samples. The arrays are used again for the next batch: copy what must last longer. */
export interface Batch {
  /** [size, …shape] */
  readonly x: SampleArray;
  /** [size] class indices, or [size, …targetShape] real targets. */
  readonly y: Int32Array | Float32Array;
  readonly size: number;
  /** [size, classes] logits of a teacher, for distillation. */
  readonly teacher?: Float32Array;
}

/** Where a dataset stands, as plain numbers: the next batch is number `step` of `epoch`, both from 0. */
export interface DatasetState {
  readonly epoch: number;
  readonly step: number;
  /** Of order and augmentation. */
  readonly seed: number;
}

/** Batches of labelled samples. Each iteration is one epoch. */
export interface Dataset extends AsyncIterable<Batch> {
  /** Samples. */
  readonly length: number;
  /** Samples of a batch; the last one of an epoch may have fewer. */
  readonly batchSize: number;
  /** Batches of an epoch. */
  readonly steps: number;
  /** Of one sample, like [28, 28, 1]. */
  readonly shape: Shape;
  /** Of the labels; 0 when y are real targets. */
  readonly classes: number;
  /** Of the real targets of one sample, like [1]: that of the model's output. */
  readonly targetShape?: Shape;
  /** How uint8 samples become real values; these need it. */
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  readonly seed: number;
  /**
   * Number of the next epoch, from 0; each iteration adds 1 before it first waits. The order of samples depends on
   * `seed` and this number alone, so setting it resumes training where it stopped. Calibration and evaluation leave it
   * as it was.
   */
  epoch: number;
  /**
   * For checkpoints. After `restore(save())`, in this process or another, the next iteration gives the batches, to the
   * byte, that the newest one had still to give when it was saved; a dataset that is not iterated stands at its next epoch.
   * A state saved after the last batch, but before the iteration ended, gives an empty rest. Throws a RangeError for a
   * state of another seed.
   */
  readonly state?: { save(): DatasetState; restore(state: DatasetState): void };
  /** The batches of an epoch from number `step` on, 0 unless given, without moving `epoch` or `state`. */
  batches?(epoch: number, step?: number): AsyncIterable<Batch>;
}

/** Samples without order: x [n, …shape], y [n] class indices or [n, …targetShape]. */
export interface Samples {
  readonly x: SampleArray;
  readonly y: Int32Array | Float32Array;
}

/**
 * Copies the first `count` samples of epoch 0, or all if there are fewer, whatever epoch the dataset is at: calibration gets
 * the same ones each time.
 */
export async function takeSamples(dataset: Dataset, count: number): Promise<Samples> {
  if (!(Number.isInteger(count) && count > 0)) {
    throw rangeError('takeSamples', 'the count must be an integer >= 1', count);
  }
  const batches: Samples[] = [];
  let open = count;
  for await (const { x, y, size } of peek(dataset, 0)) {
    const n = Math.min(open, size);
    const targets = n * sizeOf(dataset.targetShape ?? []);
    batches.push({ x: x.slice(0, n * sizeOf(dataset.shape)), y: y.slice(0, targets) });
    open -= n;
    if (open === 0) break;
  }
  return concat(batches);
}

function concat(batches: readonly Samples[]): Samples {
  const size = batches.reduce((sum, { x }) => sum + x.length, 0);
  const x = emptyLike(batches[0]!.x, size);
  const targets = batches.reduce((sum, { y }) => sum + y.length, 0);
  const y =
    batches[0]?.y instanceof Float32Array ? new Float32Array(targets) : new Int32Array(targets);
  let atX = 0;
  let atY = 0;
  for (const batch of batches) {
    x.set(batch.x, atX);
    y.set(batch.y, atY);
    atX += batch.x.length;
    atY += batch.y.length;
  }
  return { x, y };
}

/** Room for `length` values of the kind of x. */
export function emptyLike(x: SampleArray, length: number): SampleArray {
  if (x instanceof Float32Array) return new Float32Array(length);
  return x instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length);
}
