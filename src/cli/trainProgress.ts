import type { Callback, EpochReport, StepReport } from '../train/callbacks.ts';
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

  onStep({ epoch, epochs, step, steps, loss, accuracy, ...rate }: StepReport): void {
    if (this.#closed) return;
    // Signals are the command's own: it saves a checkpoint first.
    this.#shown ??= startProgress(`${this.title} ${epoch + 1}/${epochs}`, steps, {
      signals: false,
    });
    const speed = `${grouped(Math.round(rate.samplesPerSecond))} samples/s`;
    const left = `${duration(rate.secondsLeft)} to the end`;
    this.#shown.update(step, `${scores(loss, accuracy)}  ${speed}  ${left}`);
  }

  onEpoch({ steps, loss, accuracy, validation }: EpochReport): void {
    const checked = validation && `  validation: ${scores(validation.loss, validation.top1)}`;
    this.#shown?.update(steps, `${scores(loss, accuracy)}${checked ?? ''}`);
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

function scores(loss: number, accuracy: number): string {
  return `loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}`;
}

/** 75 → 1:15 */
function duration(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return `${minutes}:${String(rest).padStart(2, '0')}`;
}
