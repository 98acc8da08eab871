import { StepContext } from '../autograd/context.ts';
import type { Device } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { deriveRanges } from '../autograd/quantizer.ts';
import { Tape } from '../autograd/tape.ts';
import { Rng } from '../core/rng.ts';
import type { Batch } from '../data/dataset.ts';
import type { Loss, LossResult } from '../nn/losses.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { BatchLoader } from './batch.ts';
import { checkGradients, checkLossValue, NumericsCheck } from './numerics.ts';
import type { Resolved } from './resolve.ts';
import { Updater } from './updater.ts';

/** What the loss says of a batch. */
export type StepResult = Omit<LossResult, 'gradient'>;

export interface TrainerOptions {
  /** Of dropout; default 0. */
  readonly seed?: number;
  /** Look for the op that first makes a NaN or an infinity; default false. */
  readonly checkNumerics?: boolean;
}

/** Keeps the random numbers of steps apart from those of the order of samples. */
const STEP_SEED = 0x85ebca6b;

/** One run of training on one device: parameters and optimizer slots stay in wasm memory, each step leaves no trace. */
export class Trainer {
  readonly #store: ParameterStore;
  readonly #loader: BatchLoader;
  readonly #updater: Updater;

  constructor(
    readonly device: Device,
    readonly model: Resolved,
    readonly loss: Loss,
    readonly optimizer: Optimizer,
    /** Steps of the whole run, for schedules. */
    readonly total: number,
    readonly options: TrainerOptions = {},
  ) {
    this.#store = new ParameterStore(device, model.graph);
    this.#loader = new BatchLoader('fit', model.graph);
    this.#updater = new Updater(device, this.#store, model.graph, optimizer, total);
  }

  /**
   * Forward, loss, backward, update. `index` counts the steps of this run from 0. Throws a RangeError for a loss or a gradient
   * that is not finite, before the update.
   */
  step(batch: Batch, index: number): StepResult {
    const cx = new StepContext(this.device, true, this.#random());
    try {
      const tape = new Tape(cx, this.#store, this.#updater.frozen);
      const { graph, quantizers } = this.model;
      const check = this.options.checkNumerics && new NumericsCheck(cx, graph, index + 1);
      const tap = check ? { tap: check.tap } : {};
      const [output] = execute(tape, graph, [this.#loader.load(cx, batch)], { quantizers, ...tap });
      const { gradient, ...result } = this.loss.evaluate(cx, output!.ref, batch.y, batch.teacher);
      checkLossValue(index + 1, result.loss);
      if (check) check.loss(gradient);
      tape.backward(output!, gradient, check ? check.backward : undefined);
      checkGradients(cx, index + 1, tape);
      this.#updater.update(cx, tape, index);
      return result;
    } finally {
      cx.end();
    }
  }

  /**
   * The random numbers of the next step. They depend on the seed and the number of updates alone, so that a run that goes on
   * draws what an unbroken one draws.
   */
  #random(): Rng {
    return new Rng(
      Math.imul((this.options.seed ?? 0) ^ STEP_SEED, 0x9e3779b1) + this.#updater.steps,
    );
  }

  /** Takes the parameters' arrays as the weights to go on with. */
  load(): void {
    this.#updater.load();
  }

  /** Writes parameters, optimizer slots and step count back to where they live between runs. */
  save(): void {
    this.#updater.save();
    deriveRanges(this.model.graph, this.model.quantizers);
  }
}
