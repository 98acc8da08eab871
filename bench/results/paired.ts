/** Two models on the same samples: differences of accuracy with a bound. */

import type { Dataset } from '../../src/data/dataset.ts';
import { argmax, crossEntropy, type Loss } from '../../src/nn/losses.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { Model } from '../../src/train/resolve.ts';

/** Of the normal distribution, for one bound of 95 %. */
const QUANTILE = 1.645;

/** For each sample in order whether the model is right. */
export async function rights(model: Model, dataset: Dataset): Promise<boolean[]> {
  const right: boolean[] = [];
  await visitChoices(model, dataset, (choice, label) => right.push(choice === label));
  return right;
}

/** For each sample in order the class that the model says. */
export async function choices(model: Model, dataset: Dataset): Promise<number[]> {
  const said: number[] = [];
  await visitChoices(model, dataset, (choice) => said.push(choice));
  return said;
}

async function visitChoices(
  model: Model,
  dataset: Dataset,
  visit: (choice: number, label: number) => void,
): Promise<void> {
  const plain = crossEntropy();
  const loss: Loss = {
    name: 'choices',
    evaluate(cx, logits, labels) {
      const rows = cx.f32(logits);
      const classes = logits.shape[1]!;
      labels.forEach((label, i) => {
        visit(argmax(rows, i * classes, classes), label);
      });
      return plain.evaluate(cx, logits, labels);
    },
  };
  await evaluate(model, dataset, { loss });
}

export interface Gain {
  /** Percentage points of accuracy that a model has over another. */
  readonly mean: number;
  /** It lies above this, and below that, with 95 % each, as far as the choice of samples goes. */
  readonly lowest: number;
  readonly highest: number;
}

/**
 * What `after` gains over `before` on the same samples. Several runs of either (seeds) count by their mean on each sample, so
 * that the bounds are those of other samples and not of other seeds.
 */
export function gain(before: readonly boolean[][], after: readonly boolean[][]): Gain {
  const share = (runs: readonly boolean[][], i: number) =>
    runs.filter((run) => run[i]).length / runs.length;
  const gains = before[0]!.map((_, i) => 100 * (share(after, i) - share(before, i)));
  const mean = gains.reduce((sum, one) => sum + one, 0) / gains.length;
  const squares = gains.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const error = Math.sqrt(squares / (gains.length - 1) / gains.length);
  return { mean, lowest: mean - QUANTILE * error, highest: mean + QUANTILE * error };
}

/** Percent. */
export function accuracy(right: readonly boolean[]): number {
  return (100 * right.filter(Boolean).length) / right.length;
}

/** Four samples a hexadecimal digit, the first in its highest bit. */
export function packBits(bits: readonly boolean[]): string {
  let text = '';
  for (let i = 0; i < bits.length; i += 4) {
    const digit = [0, 1, 2, 3].reduce((sum, j) => 2 * sum + Number(bits[i + j] ?? false), 0);
    text += digit.toString(16);
  }
  return text;
}

export function unpackBits(text: string, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => {
    return ((Number.parseInt(text[i >> 2]!, 16) >> (3 - (i & 3))) & 1) === 1;
  });
}
