/** Figures of a table as text. */

import type { Gain } from './paired.ts';

/** Of one value the deviation is 0. */
export function meanAndDeviation(values: readonly number[]) {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const squares = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** Mean, and standard deviation where there are several. */
export function spread(values: readonly number[]): string {
  const { mean, deviation } = meanAndDeviation(values);
  return values.length === 1 ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
}

/** The mean and the bound that it is worse than with 5 %. */
export function shown({ mean, lowest }: Gain): string {
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  return `${signed(mean)} (at least ${signed(lowest)})`;
}
