import type { Device } from '../autograd/device.ts';
import type { Callback, EpochReport, StepReport, TrainingRun } from './callbacks.ts';
import { type Standing, snapshot, type Task } from './checkpoint.ts';
import { evaluate } from './evaluate.ts';
import { addResult, metricsOf } from './metrics.ts';
import { replaceFile } from './node.ts';
import { encodeState, type Sums, type TrainingState, withPrefix } from './state.ts';
import { type StepResult, Trainer } from './trainer.ts';
import { checkWeights, copyWeights, type Weights, writeWeights } from './weights.ts';

/** How long steps may keep other work of the host waiting, in ms. */
const PATIENCE = 100;

/** One `fit`: epochs, their reports, callbacks and checkpoints. All that it must not forget is in its standing. */
export class FitRun implements TrainingRun {
  readonly #trainer: Trainer;
  readonly #at: Standing;
  /** Epoch number of the dataset at the start of the epoch that is running. */
  #dataEpoch: number;
  /** Steps and samples of this epoch since this process took it up, and when that was. */
  #session = { steps: 0, samples: 0, started: 0 };

  constructor(
    device: Device,
    readonly task: Task,
    /** Its weights, optimizer memory and dataset position are restored already. */
    readonly resumed?: TrainingState,
  ) {
    const { resolved, dataset, options } = task;
    const { loss, optimizer, epochs, seed, checkNumerics } = options;
    const total = epochs * dataset.steps;
    this.#trainer = new Trainer(device, resolved, loss, optimizer, total, { seed, checkNumerics });
    this.#at = {
      ...(resumed?.position ?? { epoch: 0, step: 0 }),
      sums: { ...(resumed?.sums ?? noSums()) },
      history: [...(resumed?.history ?? [])],
      stopped: resumed?.stopped ?? false,
    };
    this.#dataEpoch = dataset.epoch;
  }

  /** Returns one report per epoch, the last of them short when training was stopped in it. */
  async run(): Promise<EpochReport[]> {
    const { callbacks } = this.task.options;
    for (const callback of callbacks) await callback.onStart?.(this);
    if (this.resumed) this.#restoreCallbacks(this.resumed);
    let cut: EpochReport | undefined;
    while (!cut && !this.#over) cut = await this.#epoch();
    const { history } = this.#at;
    if (cut) history.push(cut);
    for (const callback of callbacks) await callback.onEnd?.(history, this);
    return history;
  }

  stop(): void {
    this.#at.stopped = true;
  }

  weights(): Weights {
    this.#trainer.save();
    return copyWeights(this.task.resolved.graph);
  }

  setWeights(weights: Weights): void {
    const { graph } = this.task.resolved;
    checkWeights('setWeights', graph, weights);
    this.#trainer.save();
    writeWeights(graph, weights);
    this.#trainer.load();
  }

  get #aborted(): boolean {
    return this.task.options.signal?.aborted === true;
  }

  get #over(): boolean {
    const { epoch, stopped } = this.#at;
    return stopped || this.#aborted || epoch >= this.task.options.epochs;
  }

  /** Trains to the end of the epoch; gives its report if it is stopped before. */
  async #epoch(): Promise<EpochReport | undefined> {
    const { dataset, options } = this.task;
    const at = this.#at;
    this.#dataEpoch = dataset.epoch;
    this.#session = { steps: 0, samples: 0, started: performance.now() };
    if (await this.#steps()) return this.#report();
    this.#trainer.save();
    const { validation, loss } = options;
    const result = validation && (await evaluate(this.task.model, validation, { loss }));
    const report = { ...this.#report(), ...(result && { validation: result }) };
    at.history.push(report);
    for (const callback of options.callbacks) await callback.onEpoch?.(report, this);
    Object.assign(at, { epoch: at.epoch + 1, step: 0, sums: noSums() });
    this.#dataEpoch = dataset.epoch;
    const { everyEpochs = 1 } = options.checkpoint ?? {};
    if (this.#over || at.epoch % everyEpochs === 0) await this.#checkpoint();
  }

  /** The steps that the epoch still has. True when training was stopped among them. */
  async #steps(): Promise<boolean> {
    const { dataset, options } = this.task;
    const { everySteps = Number.POSITIVE_INFINITY } = options.checkpoint ?? {};
    const at = this.#at;
    const first = at.epoch * dataset.steps;
    // A dataset without a position of its own gives the epoch from its start.
    let skip = dataset.state ? 0 : at.step;
    let rested = performance.now();
    for await (const batch of dataset) {
      if (skip-- > 0) continue;
      const started = performance.now();
      const result = this.#trainer.step(batch, first + at.step);
      at.step++;
      this.#count(result, batch.size, (performance.now() - started) / 1000);
      await this.#notify();
      const stopping = at.stopped || this.#aborted;
      // While the iteration is open: the dataset then knows what it had still to give.
      if (stopping || (first + at.step) % everySteps === 0) await this.#checkpoint();
      if (stopping) {
        this.#trainer.save();
        return true;
      }
      if (performance.now() - rested < PATIENCE) continue;
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
    }
    return false;
  }

  #count(result: StepResult, samples: number, seconds: number): void {
    const { sums } = this.#at;
    addResult(sums, result, samples);
    sums.seconds += seconds;
    this.#session.steps++;
    this.#session.samples += samples;
  }

  async #notify(): Promise<void> {
    const { callbacks } = this.task.options;
    const listening = callbacks.filter((callback) => callback.onStep);
    if (listening.length === 0) return;
    const report = this.#stepReport();
    for (const callback of listening) await callback.onStep!(report, this);
  }

  #stepReport(): StepReport {
    const { options, dataset } = this.task;
    const { epoch, step, sums } = this.#at;
    const { steps, samples, started } = this.#session;
    const seconds = (performance.now() - started) / 1000;
    const left = (options.epochs - epoch) * dataset.steps - step;
    return {
      epoch,
      epochs: options.epochs,
      step,
      steps: dataset.steps,
      ...metricsOf(sums),
      samplesPerSecond: samples / seconds,
      secondsLeft: (left * seconds) / steps,
    };
  }

  #report(): EpochReport {
    const { epoch, step, sums } = this.#at;
    return { epoch, steps: step, ...metricsOf(sums), seconds: sums.seconds };
  }

  /** Makes a checkpoint of this moment, if they are asked for. */
  async #checkpoint(): Promise<void> {
    const { checkpoint } = this.task.options;
    if (!checkpoint) return;
    this.#trainer.save();
    const { epoch, step } = this.#at;
    const position = { epoch, step };
    const bytes = encodeState(snapshot(this.task, this.#at, this.#dataEpoch));
    if (checkpoint.path !== undefined) await replaceFile(checkpoint.path, bytes, 'fit');
    await checkpoint.save?.(bytes, position);
  }

  /** Those that are in the list now and were in it then, by place and name. */
  #restoreCallbacks({ callbacks, tensors }: TrainingState): void {
    this.task.options.callbacks.forEach((callback: Callback, i) => {
      const saved = callbacks[i];
      if (saved?.name !== callback.name) return;
      const weights = withPrefix(tensors, `callback/${i}/`);
      const { values } = saved;
      if (values === null) return;
      callback.restore?.({ values, ...(weights.size > 0 && { weights }) });
    });
  }
}

function noSums(): Sums {
  return { loss: 0, samples: 0, seconds: 0 };
}
