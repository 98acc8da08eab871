import { cosPi } from '../core/math.ts';

/** Learning rate of step `step` (from 0) of `total`, the number of steps of the run. */
export type Schedule = (step: number, total: number) => number;

export const schedules = {
  /** From `learningRate` to 0 along half a cosine (Loshchilov and Hutter 2017, eq. (5)), after a linear warm-up. */
  cosine: ({ learningRate, warmup = 0 }: { learningRate: number; warmup?: number }): Schedule => {
    return (step, total) => {
      if (step < warmup) return (learningRate * (step + 1)) / warmup;
      const t = (step - warmup) / Math.max(1, total - warmup);
      return learningRate * 0.5 * (1 + cosPi(Math.min(1, t)));
    };
  },
  /** From `learningRate` to 0 along a line. */
  linear: ({ learningRate }: { learningRate: number }): Schedule => {
    return (step, total) => learningRate * (1 - step / total);
  },
} as const;
