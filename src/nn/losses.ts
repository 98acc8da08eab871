import { kindOf, typeError } from '../core/errors.ts';
import type { Ref, TrainContext } from '../core/op.ts';

/** What a loss leaves for the backward pass and for the progress bar. */
export interface LossResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** Samples whose largest logit is that of their label; ties go to the lower class. */
  readonly correct: number;
  /** Gradient of the mean loss for the logits. */
  readonly gradient: Ref;
}

/** A loss over logits [N,C] f32 and labels [N] (class indices). */
export interface Loss {
  readonly name: string;
  evaluate(cx: TrainContext, logits: Ref, labels: Int32Array): LossResult;
}

/** −log softmax(logits)[label], the softmax included. */
export function crossEntropy(): Loss {
  return {
    name: 'crossEntropy',
    evaluate(cx, logits, labels) {
      const [rows, classes] = logits.shape as [number, number];
      const y = cx.alloc([rows], 'i32');
      const gradient = cx.alloc(logits.shape);
      const losses = cx.alloc([rows]);
      cx.i32(y).set(labels);
      const scale = Math.fround(1 / rows);
      cx.kernels.f32_softmax_cross_entropy(
        rows,
        classes,
        logits.ptr,
        y.ptr,
        gradient.ptr,
        losses.ptr,
        scale,
      );
      const total = cx.f32(losses).reduce((sum, loss) => sum + loss, 0);
      return {
        loss: total / rows,
        correct: countCorrect(cx.f32(logits), classes, labels),
        gradient,
      };
    },
  };
}

export const losses = { crossEntropy } as const;

/** Throws a TypeError unless `loss` is one. */
export function checkLoss(where: string, loss: Loss): void {
  if (typeof loss?.evaluate === 'function') return;
  throw typeError(where, 'loss must be made by losses.crossEntropy()', kindOf(loss));
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
