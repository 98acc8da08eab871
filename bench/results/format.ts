/** Figures of a table as text. */

import type { Gain } from './paired.ts';

/** Mean, and standard deviation where there are several. */
export function spread(values: readonly number[]): string {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  if (values.length === 1) return mean.toFixed(2);
  const squares = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return `${mean.toFixed(2)} ± ${Math.sqrt(squares / (values.length - 1)).toFixed(2)}`;
}

/** The mean and the bound that it is worse than with 5 %. */
export function shown({ mean, lowest }: Gain): string {
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  return `${signed(mean)} (at least ${signed(lowest)})`;
}
