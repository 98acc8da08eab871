import { checkNumber, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { argmax, countCorrect, type Loss, type Targets } from './loss.ts';

export interface CrossEntropyOptions {
  /** Share of the target, in [0, 1), that is spread evenly over all classes (Szegedy 2016, §7). Default 0. */
  readonly labelSmoothing?: number;
  /** Factor on the loss of the samples of each class; the mean is still over all samples. Default 1. */
  readonly classWeights?: readonly number[];
}

/**
 * −Σ q·log softmax(logits), the softmax included. q is the label, or the distribution that y has for a sample.
 *
 * There may be more logits than classes in the data, as where a network has an output for a background class: no label names the
 * others, they count in the softmax and learn to be small. `labelSmoothing` gives them their part of the target, and `classWeights`
 * has an entry for each output.
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  checkOptions('crossEntropy', options, ['labelSmoothing', 'classWeights']);
  const { labelSmoothing = 0, classWeights } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw rangeError('crossEntropy', 'labelSmoothing must be a number in [0, 1)', labelSmoothing);
  }
  if (classWeights !== undefined) checkClassWeights(classWeights);
  const plain = labelSmoothing === 0 && classWeights === undefined;
  return {
    name: 'crossEntropy',
    settings: { labelSmoothing, ...(classWeights && { classWeights }) },
    evaluate(cx, logits, y) {
      const [rows, classes] = logits.shape as [number, number];
      if (classWeights && classWeights.length !== classes) {
        const expected = `classWeights must have ${classes} entries`;
        throw rangeError('crossEntropy', expected, classWeights.length);
      }
      if (y instanceof Float32Array) checkDistributions(y, classes);
      const gradient = cx.alloc(logits.shape);
      const scale = Math.fround(1 / rows);
      const mean =
        plain && y instanceof Int32Array
          ? labelLoss(cx, logits, y, gradient, scale)
          : targetLoss(cx, logits, distributions(y, classes, options), gradient, 1, scale);
      const labels = y instanceof Int32Array ? y : largestOf(y, classes);
      return { loss: mean, correct: countCorrect(cx.f32(logits), classes, labels), gradient };
    },
  };
}

function checkClassWeights(weights: readonly number[]): void {
  if (!Array.isArray(weights)) {
    throw typeError('crossEntropy', 'classWeights must be an array', kindOf(weights));
  }
  weights.forEach((weight, i) => {
    checkNumber('crossEntropy', `classWeights[${i}]`, weight, 0);
  });
  if (weights.some((weight) => weight > 0)) return;
  throw rangeError('crossEntropy', 'some of classWeights must be above 0', 'only zeros');
}

/** How far from 1 a distribution may add up to: f32 of a thousand classes, and tables of three digits. */
const SUM_TOLERANCE = 1e-2;

/** Throws a RangeError for rows that are no distributions: real targets have losses of their own. */
function checkDistributions(y: Float32Array, classes: number): void {
  const other = 'mse, mae, huber and binaryCrossEntropy are for other real targets';
  for (let first = 0; first < y.length; first += classes) {
    const row = y.subarray(first, first + classes);
    const sum = row.reduce((total, share) => total + share, 0);
    if (classes > 1 && Math.abs(sum - 1) <= SUM_TOLERANCE && row.every((share) => share >= 0))
      continue;
    const expected = `targets must be distributions over 2 classes or more (${other})`;
    throw rangeError(
      'crossEntropy',
      expected,
      `[${row.slice(0, 4).join(', ')}${row.length > 4 ? ', …' : ''}]`,
    );
  }
}

/** Mean loss over labels [N]; writes (softmax − label)·scale into `gradient`. */
export function labelLoss(
  cx: TrainContext,
  logits: Ref,
  labels: Int32Array,
  gradient: Ref,
  scale: number,
): number {
  const [rows, classes] = logits.shape as [number, number];
  const y = cx.alloc([rows], 'i32');
  const losses = cx.alloc([rows]);
  cx.i32(y).set(labels);
  const pointers = [logits.ptr, y.ptr, gradient.ptr, losses.ptr] as const;
  cx.kernels.f32_softmax_cross_entropy(rows, classes, ...pointers, scale);
  return mean(cx.f32(losses));
}

/** Mean loss over weights q [N,C] of softmax(logits·sharpness); writes its gradient for logits·sharpness, times `scale`. */
export function targetLoss(
  cx: TrainContext,
  logits: Ref,
  q: Float32Array,
  gradient: Ref,
  sharpness: number,
  scale: number,
): number {
  const [rows, classes] = logits.shape as [number, number];
  const targets = cx.alloc(logits.shape);
  const losses = cx.alloc([rows]);
  cx.f32(targets).set(q);
  const pointers = [logits.ptr, targets.ptr, gradient.ptr, losses.ptr] as const;
  cx.kernels.f32_softmax_targets(rows, classes, ...pointers, sharpness, scale);
  return mean(cx.f32(losses));
}

/** In f64, in order. */
function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** q [N,C] = weight·((1 − smoothing)·y + smoothing / C), where weight = Σ y·classWeights of a row. */
function distributions(
  y: Targets,
  classes: number,
  { labelSmoothing = 0, classWeights }: CrossEntropyOptions,
): Float32Array {
  const hot = y instanceof Float32Array ? y : oneHot(y, classes);
  if (labelSmoothing === 0 && !classWeights) return hot;
  const q = new Float32Array(hot.length);
  for (let first = 0; first < q.length; first += classes) {
    const row = hot.subarray(first, first + classes);
    const weight = classWeights?.reduce((sum, w, c) => sum + w * row[c]!, 0) ?? 1;
    row.forEach((value, c) => {
      q[first + c] = weight * ((1 - labelSmoothing) * value + labelSmoothing / classes);
    });
  }
  return q;
}

function oneHot(labels: Int32Array, classes: number): Float32Array {
  const hot = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    hot[row * classes + label] = 1;
  });
  return hot;
}

function largestOf(y: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: y.length / classes }, (_, i) => argmax(y, i * classes, classes));
}
