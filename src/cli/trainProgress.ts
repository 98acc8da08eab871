import type { Callback, EpochReport, StepReport } from '../train/callbacks.ts';
import type { Evaluation } from '../train/evaluate.ts';
import { type Progress, startProgress } from './progress.ts';
import { grouped, percent } from './table.ts';

/** Shows a training on stderr: a bar or a line for each epoch. */
export class TrainProgress implements Callback {
  readonly name = 'progress';
  #shown: Progress | undefined;
  #closed = false;

  constructor(
    /** What is trained: float or quantized. */
    readonly title: string,
  ) {}

  onStep({ epoch, epochs, step, steps, loss, accuracy, mae, ...rate }: StepReport): void {
    if (this.#closed) return;
    // Signals are the command's own: it saves a checkpoint first.
    this.#shown ??= startProgress(`${this.title} ${epoch + 1}/${epochs}`, steps, {
      signals: false,
      timed: true,
    });
    const speed = `${grouped(Math.round(rate.samplesPerSecond))}/s`;
    const left = rate.secondsLeft > 0 ? `  ${duration(rate.secondsLeft)} left` : '';
    this.#shown.update(step, `${scores({ loss, accuracy, mae })}  ${speed}${left}`);
  }

  onEpoch({ steps, validation, ...metrics }: EpochReport): void {
    const checked = validation ? `  val. ${short(validation)}` : '';
    this.#shown?.update(steps, `${scores(metrics)}${checked}`);
    this.end();
  }

  /** Leaves the line for good. */
  close(): void {
    this.#closed = true;
    this.end();
  }

  /** Leaves the line, also in the middle of an epoch. */
  end(): void {
    this.#shown?.end();
    this.#shown = undefined;
  }
}

/** The numbers that there are: which ones depends on the loss. */
function scores(metrics: {
  readonly loss: number;
  readonly accuracy?: number | undefined;
  readonly mae?: number | undefined;
}): string {
  const { loss, accuracy, mae } = metrics;
  const right = accuracy === undefined ? '' : `  accuracy ${percent(accuracy)}`;
  const error = mae === undefined ? '' : `  mae ${mae.toFixed(4)}`;
  return `loss ${loss.toFixed(4)}${right}${error}`;
}

/** The same numbers without their names: what stands before them has these. */
function short({ loss, top1, mae }: Evaluation): string {
  const right = top1 === undefined ? '' : ` ${percent(top1)}`;
  const error = mae === undefined ? '' : ` ${mae.toFixed(4)}`;
  return `${loss.toFixed(4)}${right}${error}`;
}

/** 75 → 1:15 */
function duration(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return `${minutes}:${String(rest).padStart(2, '0')}`;
}
