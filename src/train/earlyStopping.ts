import { checkInteger, checkNumber, checkOptions, kindOf, rangeError } from '../core/errors.ts';
import type { Callback, CallbackMemory, EpochReport, TrainingRun } from './callbacks.ts';
import type { Weights } from './weights.ts';

/** Numbers of an epoch that can be watched, and which of two is the better. */
const MONITORS = {
  loss: { better: Math.min, of: (report: EpochReport) => report.loss },
  accuracy: { better: Math.max, of: (report: EpochReport) => report.accuracy },
  mae: { better: Math.min, of: (report: EpochReport) => report.mae },
  'validation.loss': { better: Math.min, of: (report: EpochReport) => report.validation?.loss },
  'validation.top1': { better: Math.max, of: (report: EpochReport) => report.validation?.top1 },
  'validation.mae': { better: Math.min, of: (report: EpochReport) => report.validation?.mae },
} as const;

export type Monitor = keyof typeof MONITORS;

export interface BestWeightsOptions {
  /** What is watched after each epoch; 'validation.loss' unless given. */
  readonly monitor?: Monitor;
  /** A smaller change is no improvement; 0 unless given. */
  readonly minDelta?: number;
}

export interface EarlyStoppingOptions extends BestWeightsOptions {
  /** Epochs in a row without improvement after which training ends; 1 unless given. */
  readonly patience?: number;
  /** Whether the model gets back the weights of its best epoch when training ends; true unless given. */
  readonly restoreBestWeights?: boolean;
}

/** Ends training when the monitored number no longer improves. */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const known = ['monitor', 'minDelta', 'patience', 'restoreBestWeights'];
  checkOptions('earlyStopping', options, known);
  const { patience = 1, restoreBestWeights = true } = options;
  checkInteger('earlyStopping', 'patience', patience, 1);
  return new BestEpoch('earlyStopping', options, patience, restoreBestWeights);
}

/** Gives the model the weights of its best epoch when training ends. */
export function bestWeights(options: BestWeightsOptions = {}): Callback {
  checkOptions('bestWeights', options, ['monitor', 'minDelta']);
  return new BestEpoch('bestWeights', options, Number.POSITIVE_INFINITY, true);
}

/** Remembers the best epoch so far, and stops `patience` epochs after it. */
class BestEpoch implements Callback {
  readonly #monitor: Monitor;
  readonly #minDelta: number;
  #best: number | undefined;
  #weights: Weights | undefined;
  #waited = 0;

  constructor(
    readonly name: string,
    { monitor = 'validation.loss', minDelta = 0 }: BestWeightsOptions,
    readonly patience: number,
    readonly keepsWeights: boolean,
  ) {
    if (!Object.hasOwn(MONITORS, monitor)) {
      const expected = `monitor must be one of ${Object.keys(MONITORS).join(', ')}`;
      throw rangeError(name, expected, kindOf(monitor));
    }
    checkNumber(name, 'minDelta', minDelta, 0);
    this.#monitor = monitor;
    this.#minDelta = minDelta;
  }

  onStart(): void {
    this.#best = undefined;
    this.#weights = undefined;
    this.#waited = 0;
  }

  onEpoch(report: EpochReport, run: TrainingRun): void {
    const value = MONITORS[this.#monitor].of(report);
    if (value === undefined) {
      throw rangeError(this.name, `validation data for ${this.#monitor}`, 'none');
    }
    if (this.#improves(value)) {
      this.#best = value;
      this.#waited = 0;
      if (this.keepsWeights) this.#weights = run.weights();
    } else if (++this.#waited >= this.patience) {
      run.stop();
    }
  }

  #improves(value: number): boolean {
    const best = this.#best;
    if (best === undefined) return true;
    const { better } = MONITORS[this.#monitor];
    return better(value, best) === value && Math.abs(value - best) > this.#minDelta;
  }

  onEnd(_history: readonly EpochReport[], run: TrainingRun): void {
    if (this.#weights) run.setWeights(this.#weights);
  }

  save(): CallbackMemory {
    const values = { best: this.#best ?? null, waited: this.#waited };
    return { values, ...(this.#weights && { weights: this.#weights }) };
  }

  restore({ values, weights }: CallbackMemory): void {
    const { best, waited } = values as { best: number | null; waited: number };
    this.#best = best ?? undefined;
    this.#waited = waited;
    this.#weights = weights;
  }
}

export const callbacks = { bestWeights, earlyStopping } as const;
