import { checkInteger, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Batch, DatasetState } from './dataset.ts';

/**
 * What all datasets of this folder have in common: they know where they stand. An iteration takes the next epoch, or the
 * rest of the one that was restored; `batches` says what an epoch holds and moves nothing.
 */
export abstract class PositionedDataset {
  abstract readonly seed: number;

  /** Where the next iteration starts. */
  #next = { epoch: 0, step: 0 };
  /** What the newest iteration has reached, until it has given all of its epoch. */
  #running: { readonly epoch: number; step: number } | undefined;

  /** Batches `step`, `step` + 1, … of an epoch: a function of the seed and these two numbers. */
  abstract batches(epoch: number, step?: number): AsyncIterable<Batch>;

  get epoch(): number {
    return this.#next.epoch;
  }

  set epoch(epoch: number) {
    checkInteger('dataset', 'epoch', epoch, 0);
    this.#next = { epoch, step: 0 };
    this.#running = undefined;
  }

  readonly state = {
    save: (): DatasetState => {
      const { epoch, step } = this.#running ?? this.#next;
      return { epoch, step, seed: this.seed };
    },
    restore: (state: DatasetState): void => {
      const { epoch, step } = this.#checked(state);
      this.#next = { epoch, step };
      this.#running = undefined;
    },
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, void> {
    const at = { ...this.#next };
    this.#next = { epoch: at.epoch + 1, step: 0 };
    this.#running = at;
    for await (const batch of this.batches(at.epoch, at.step)) {
      at.step++;
      yield batch;
    }
    if (this.#running === at) this.#running = undefined;
  }

  /** The state, perhaps out of a file, of a dataset with the same seed. */
  #checked(state: DatasetState): DatasetState {
    if (typeof state !== 'object' || state === null) {
      throw typeError('dataset', 'a state that was saved is expected', kindOf(state));
    }
    checkInteger('dataset', 'epoch of the state', state.epoch, 0);
    checkInteger('dataset', 'step of the state', state.step, 0);
    if (state.seed === this.seed) return state;
    throw rangeError('dataset', `a state of seed ${this.seed} is expected`, kindOf(state.seed));
  }
}
