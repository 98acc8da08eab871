import { checkNumber, checkOptions, rangeError } from '../core/errors.ts';
import { checkGroups, type ParameterGroup } from './groups.ts';
import type { Schedule } from './schedules.ts';

/** How weights are averaged while they are trained. */
export interface AveragingOptions {
  /** In [0, 1): the share of the old average that an update keeps, like 0.999. */
  readonly decay: number;
}

/** What every optimizer takes. */
export interface SharedOptions {
  /** A number or a schedule. */
  readonly learningRate?: number | Schedule;
  /** Of kernels only: biases, norms and quantizer scales do not decay. Default 0. */
  readonly weightDecay?: number;
  /**
   * Largest L2 norm of the gradients of all parameters together (Pascanu 2013): longer ones are scaled to it. The sum of
   * squares is f64, in the order of the graph's parameters.
   */
  readonly clipNorm?: number;
  /** Largest magnitude of each element of a gradient. Instead of `clipNorm`, not beside it. */
  readonly clipValue?: number;
  readonly groups?: readonly ParameterGroup[];
  /**
   * Exponential moving average of the trained weights, a ← d·a + (1 − d)·w after update t, d = min(decay, (1 + t) / (10 + t))
   * so that the first weights are soon forgotten. Evaluation, checkpoints' `model/` tensors and the trained model have the
   * averages; the optimizer remembers w itself. Running statistics are those of w: `estimateStatistics` makes them fit.
   */
  readonly averaging?: AveragingOptions;
}

const SHARED = ['weightDecay', 'clipNorm', 'clipValue', 'groups', 'averaging'] as const;

/** Throws a RangeError or TypeError unless `options` are the shared ones and `own`, and the shared ones make sense. */
export function checkShared(where: string, options: SharedOptions, own: readonly string[]): void {
  checkOptions(where, options, ['learningRate', ...own, ...SHARED]);
  const { learningRate, weightDecay = 0, clipNorm, clipValue, groups, averaging } = options;
  if (typeof learningRate === 'number') checkNumber(where, 'learningRate', learningRate, 0);
  checkNumber(where, 'weightDecay', weightDecay, 0);
  checkClipping(where, clipNorm, clipValue);
  if (groups !== undefined) checkGroups(where, groups);
  if (averaging === undefined) return;
  checkOptions(`${where}: averaging`, averaging, ['decay']);
  checkFraction(`${where}: averaging`, 'decay', averaging.decay);
}

function checkClipping(where: string, clipNorm?: number, clipValue?: number): void {
  if (clipNorm !== undefined) checkPositive(where, 'clipNorm', clipNorm);
  if (clipValue !== undefined) checkPositive(where, 'clipValue', clipValue);
  if (clipNorm === undefined || clipValue === undefined) return;
  throw rangeError(where, 'clipNorm or clipValue is expected', 'both');
}

function checkPositive(where: string, name: string, value: number): void {
  checkNumber(where, name, value, 0);
  if (value === 0) throw rangeError(where, `${name} must be greater than 0`, value);
}

/** A decay of 1 would keep a moving average at its first value for ever. */
export function checkFraction(where: string, name: string, value: number): void {
  if (!(value >= 0 && value < 1)) {
    throw rangeError(where, `${name} must be a number in [0, 1)`, value);
  }
}
