import { kindOf, typeError } from '../core/errors.ts';
import type { Ref, TrainContext } from '../core/op.ts';

/** What a loss leaves for the backward pass and for the progress bar. */
export interface LossResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** Samples whose largest logit is that of their label; ties go to the lower class. None where labels mean nothing. */
  readonly correct?: number;
  /** Sum over the samples of the mean |output − target|, of losses over real targets. */
  readonly absoluteError?: number;
  /** Gradient of the mean loss for the output. */
  readonly gradient: Ref;
}

/** Class indices [N], or real targets [N,…] of the output's shape. */
export type Targets = Int32Array | Float32Array;

/** A loss over the output of a model, f32 [N,…], mostly logits [N,C], and what the dataset says of the samples. */
export interface Loss {
  readonly name: string;
  /** What it was made with, as JSON: tells one training from another. */
  readonly settings?: Readonly<Record<string, number | readonly number[]>>;
  /** Throws a TypeError for targets of the wrong kind, a RangeError for targets that it means nothing for. `teacher`: logits of the output's shape, of a batch that has them. */
  evaluate(cx: TrainContext, output: Ref, y: Targets, teacher?: Float32Array): LossResult;
}

/** Throws a TypeError unless `loss` is one. */
export function checkLoss(where: string, loss: Loss): void {
  if (typeof loss?.evaluate === 'function') return;
  throw typeError(where, 'loss must be made by a function of losses', kindOf(loss));
}

/** Index of the largest of values[from, from + count); the lowest of equals. */
export function argmax(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i]! > values[from + best]!) best = i;
  return best;
}

export function countCorrect(
  logits: ArrayLike<number>,
  classes: number,
  labels: ArrayLike<number>,
): number {
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    if (argmax(logits, i * classes, classes) === labels[i]) correct++;
  }
  return correct;
}
