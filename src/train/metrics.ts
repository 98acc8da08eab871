import type { LossResult } from '../nn/losses.ts';

/** Means over samples. Which of them there are depends on the loss. */
export interface Metrics {
  readonly loss: number;
  /**
   * Share of the samples, 0 to 1, whose largest output is that of their label; of binary cross-entropy the share of the
   * outputs on the right side.
   */
  readonly accuracy?: number;
  /** Mean absolute error, of losses over real targets. */
  readonly mae?: number;
}

/** Sums over samples. JSON values only. */
export interface MetricSums {
  loss: number;
  samples: number;
  correct?: number;
  absoluteError?: number;
}

/** Adds what a loss says of a batch of `size` samples. */
export function addResult(
  sums: MetricSums,
  { loss, correct, absoluteError }: Omit<LossResult, 'gradient'>,
  size: number,
): void {
  sums.loss += loss * size;
  sums.samples += size;
  if (correct !== undefined) sums.correct = (sums.correct ?? 0) + correct;
  if (absoluteError !== undefined) sums.absoluteError = (sums.absoluteError ?? 0) + absoluteError;
}

/** Means over the samples; accuracy and mae only where the loss gave their sums. */
export function metricsOf({ loss, samples, correct, absoluteError }: MetricSums): Metrics {
  return {
    loss: loss / samples,
    ...(correct !== undefined && { accuracy: correct / samples }),
    ...(absoluteError !== undefined && { mae: absoluteError / samples }),
  };
}
