import { checkInteger, checkNumber, checkOptions } from '../core/errors.ts';
import { cosPi } from '../core/math.ts';

/** Learning rate of step `step` (from 0) of `total`, the number of steps of the run. */
export type Schedule = (step: number, total: number) => number;

export interface LinearOptions {
  readonly learningRate: number;
}

export interface CosineOptions extends LinearOptions {
  /** Steps of linear warm-up. Default 0. */
  readonly warmup?: number;
}

/** From `learningRate` to 0 along half a cosine (Loshchilov and Hutter 2017, eq. (5)), after a linear warm-up. */
function cosine(options: CosineOptions): Schedule {
  checkOptions('cosine', options, ['learningRate', 'warmup']);
  const { learningRate, warmup = 0 } = options;
  checkNumber('cosine', 'learningRate', learningRate, 0);
  checkInteger('cosine', 'warmup', warmup, 0);
  return (step, total) => {
    if (step < warmup) return (learningRate * (step + 1)) / warmup;
    const t = (step - warmup) / Math.max(1, total - warmup);
    return learningRate * 0.5 * (1 + cosPi(Math.min(1, t)));
  };
}

/** From `learningRate` to 0 along a line. */
function linear(options: LinearOptions): Schedule {
  checkOptions('linear', options, ['learningRate']);
  const { learningRate } = options;
  checkNumber('linear', 'learningRate', learningRate, 0);
  return (step, total) => learningRate * (1 - step / total);
}

export const schedules = { cosine, linear } as const;
