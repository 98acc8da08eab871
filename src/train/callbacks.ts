import { kindOf, typeError } from '../core/errors.ts';
import type { Evaluation } from './evaluate.ts';
import type { Metrics } from './metrics.ts';
import type { Weights } from './weights.ts';

/** Metrics are means over the epoch so far. */
export interface StepReport extends Metrics {
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, from 1. */
  readonly step: number;
  readonly steps: number;
  /** Mean over this epoch, or since training was resumed in it. */
  readonly samplesPerSecond: number;
  /** To the end of the last epoch, at the rate so far, without validation. */
  readonly secondsLeft: number;
}

/** JSON values only. */
export interface EpochReport extends Metrics {
  readonly epoch: number;
  /** Steps done: fewer than the epoch has when training was stopped in it. */
  readonly steps: number;
  /** Of training, without validation. */
  readonly seconds: number;
  readonly validation?: Evaluation;
}

/** What a callback may do to the training that calls it. */
export interface TrainingRun {
  /** Ends training after the current step or epoch. It counts as complete: to resume it trains no further. */
  stop(): void;
  /** A copy of all parameters: weights, running statistics, quantizer scales. */
  weights(): Weights;
  /** Throws a RangeError unless `weights` came from a model of this structure. */
  setWeights(weights: Weights): void;
}

/** What a callback has to remember when training is resumed in another process. */
export interface CallbackMemory {
  /** JSON values only. */
  readonly values: unknown;
  readonly weights?: Weights;
}

/**
 * Hooks into training; each is optional. Callbacks are called in the order of their list, and training waits for those that
 * return a promise.
 */
export interface Callback {
  readonly name: string;
  /** Before the first step, also of a training that is resumed. */
  onStart?(run: TrainingRun): void | Promise<void>;
  onStep?(report: StepReport, run: TrainingRun): void | Promise<void>;
  /** After an epoch and its validation, not after one that was cut short. Parameters hold the trained values. */
  onEpoch?(report: EpochReport, run: TrainingRun): void | Promise<void>;
  /** After the last epoch and the last checkpoint. */
  onEnd?(history: readonly EpochReport[], run: TrainingRun): void | Promise<void>;
  /** Called for each checkpoint. */
  save?(): CallbackMemory;
  /** Called after `onStart` with what `save` gave. */
  restore?(memory: CallbackMemory): void;
}

/** Throws a TypeError unless `callbacks` is a list of callbacks. */
export function checkCallbacks(where: string, callbacks: readonly Callback[]): void {
  if (!Array.isArray(callbacks)) {
    throw typeError(where, 'callbacks must be an array', kindOf(callbacks));
  }
  callbacks.forEach((callback: unknown, i) => {
    const named = typeof (callback as Callback | null)?.name === 'string';
    if (!named || typeof callback !== 'object') {
      throw typeError(where, `callbacks[${i}] must be an object with a name`, kindOf(callback));
    }
    checkHooks(`${where}: callbacks[${i}]`, callback as Callback);
  });
}

const HOOKS = ['onStart', 'onStep', 'onEpoch', 'onEnd', 'save', 'restore'] as const;

/** A misspelt hook would never be called. What else an object has is its own affair. */
function checkHooks(where: string, callback: Callback): void {
  for (const hook of HOOKS) {
    const value = callback[hook];
    if (value === undefined || typeof value === 'function') continue;
    throw typeError(where, `${hook} must be a function`, kindOf(value));
  }
  const unknown = membersOf(callback).filter((key) => /^on[A-Z]/.test(key) && !isHook(key));
  if (unknown.length === 0) return;
  throw typeError(where, `hooks are ${HOOKS.join(', ')}`, unknown.join(', '));
}

function isHook(key: string): boolean {
  return (HOOKS as readonly string[]).includes(key);
}

/** Its own names and those of its classes. */
function membersOf(object: object): string[] {
  const names: string[] = [];
  for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at));
  }
  return names;
}
