import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { typeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Batch, Dataset } from '../data/dataset.ts';
import { BatchLoader } from './batch.ts';
import { predict } from './evaluate.ts';
import { type Model, type Resolved, resolve } from './resolve.ts';

/**
 * The same dataset with a teacher's logits beside each batch, for `losses.distillation`. The teacher sees the samples as they
 * are trained on, augmented or not, and is evaluated as `evaluate` does: a quantized one in integers. Throws a RangeError or
 * TypeError for a teacher that does not fit the dataset.
 */
export function withTeacher(dataset: Dataset, teacher: Model): Dataset {
  const resolved = resolve('withTeacher', teacher, dataset);
  if (dataset.targetShape) {
    throw typeError('withTeacher', 'a Dataset of class indices', 'one of real targets');
  }
  return new TaughtDataset(dataset, resolved);
}

class TaughtDataset implements Dataset {
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly shape: Shape;
  readonly classes: number;
  readonly seed: number;
  readonly preprocessing?: NonNullable<Dataset['preprocessing']>;
  readonly labels?: readonly string[];
  readonly state?: NonNullable<Dataset['state']>;
  readonly batches?: NonNullable<Dataset['batches']>;

  constructor(
    readonly dataset: Dataset,
    readonly teacher: Resolved,
  ) {
    const { length, batchSize, steps, shape, classes, seed } = dataset;
    this.length = length;
    this.batchSize = batchSize;
    this.steps = steps;
    this.shape = shape;
    this.classes = classes;
    this.seed = seed;
    if (dataset.preprocessing) this.preprocessing = dataset.preprocessing;
    if (dataset.labels) this.labels = dataset.labels;
    if (dataset.state) this.state = dataset.state;
    if (dataset.batches) this.batches = (epoch, step) => this.#teach(dataset.batches!(epoch, step));
  }

  get epoch(): number {
    return this.dataset.epoch;
  }

  set epoch(epoch: number) {
    this.dataset.epoch = epoch;
  }

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    return this.#teach(this.dataset);
  }

  async *#teach(batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, void> {
    for await (const batch of batches) yield { ...batch, teacher: await this.#logits(batch) };
  }

  async #logits(batch: Batch): Promise<Float32Array> {
    await this.teacher.prepare?.(this.dataset);
    return withDevice(async (device) => {
      const store = new ParameterStore(device, this.teacher.graph);
      const loader = new BatchLoader('withTeacher', this.teacher.graph);
      const cx = new StepContext(device, false);
      return cx.f32(predict(cx, store, this.teacher, loader.load(cx, batch))).slice();
    });
  }
}
