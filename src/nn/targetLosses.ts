/** Losses over real targets of the output's shape [N,…]. Means are over all elements, so over the outputs of a sample too. */

import { checkNumber, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Loss, Targets } from './loss.ts';

/** Throws a TypeError or RangeError unless y has a real target for each output. */
function targetsOf(cx: TrainContext, where: string, output: Ref, y: Targets): Ref {
  if (!(y instanceof Float32Array)) {
    throw typeError(where, 'y must be real targets, a Float32Array', kindOf(y));
  }
  const count = sizeOf(output.shape);
  if (y.length !== count) throw rangeError(where, `y must have ${count} values`, y.length);
  const ref = cx.alloc(output.shape);
  cx.f32(ref).set(y);
  return ref;
}

type Elementwise = (
  cx: TrainContext,
  n: number,
  pointers: readonly [x: number, y: number, dx: number, sums: number],
  scale: number,
) => void;

/** A loss whose kernel writes two sums: that of the losses and that of |output − target|. */
function regression(name: string, kernel: Elementwise, settings: Loss['settings'] = {}): Loss {
  return {
    name,
    settings,
    evaluate(cx, output, y) {
      const targets = targetsOf(cx, name, output, y);
      const n = sizeOf(output.shape);
      const gradient = cx.alloc(output.shape);
      const sums = cx.alloc([2], 'f64');
      const pointers = [output.ptr, targets.ptr, gradient.ptr, sums.ptr] as const;
      kernel(cx, n, pointers, Math.fround(1 / n));
      const [loss, size] = cx.f64(sums) as unknown as [number, number];
      return { loss: loss / n, absoluteError: (size / n) * output.shape[0]!, gradient };
    },
  };
}

/** Throws a TypeError for options of a loss that has none. */
function checkNoOptions(name: string, options: object): void {
  const given = Object.keys(options);
  if (given.length > 0) throw typeError(name, 'expected no options', given.join(', '));
}

/** Mean squared error. */
export function mse(options: Readonly<Record<string, never>> = {}): Loss {
  checkNoOptions('mse', options);
  return regression('mse', (cx, n, pointers, scale) => {
    cx.kernels.f32_squared_error(n, ...pointers, scale);
  });
}

/** Mean absolute error; where output and target are equal its gradient is 0. */
export function mae(options: Readonly<Record<string, never>> = {}): Loss {
  checkNoOptions('mae', options);
  return regression('mae', (cx, n, pointers, scale) => {
    cx.kernels.f32_absolute_error(n, ...pointers, scale);
  });
}

export interface HuberOptions {
  /** Where d²/2 becomes a line; default 1. */
  readonly delta?: number;
}

/** d²/2 up to |d| = delta, from there delta·(|d| − delta/2)      (Huber 1964) */
export function huber(options: HuberOptions = {}): Loss {
  checkOptions('huber', options, ['delta']);
  const { delta = 1 } = options;
  checkNumber('huber', 'delta', delta, 0);
  if (delta === 0) throw rangeError('huber', 'delta must be greater than 0', delta);
  const kernel: Elementwise = (cx, n, pointers, scale) => {
    cx.kernels.f32_huber(n, ...pointers, delta, scale);
  };
  return regression('huber', kernel, { delta });
}

/**
 * Binary cross-entropy of logits, the sigmoid included, against targets in [0, 1]: one or many questions of yes or no for each
 * sample. `correct` has the share of a sample's outputs that lie on the side of their target: logit > 0, target > 0.5.
 */
export function binaryCrossEntropy(options: Readonly<Record<string, never>> = {}): Loss {
  const name = 'binaryCrossEntropy';
  checkNoOptions(name, options);
  return {
    name,
    evaluate(cx, output, y) {
      const targets = targetsOf(cx, name, output, y);
      const bad = y.find((target) => !(target >= 0 && target <= 1));
      if (bad !== undefined) throw rangeError(name, 'targets must be in [0, 1]', bad);
      const n = sizeOf(output.shape);
      const gradient = cx.alloc(output.shape);
      const sum = cx.alloc([1], 'f64');
      const pointers = [output.ptr, targets.ptr, gradient.ptr, sum.ptr] as const;
      cx.kernels.f32_sigmoid_cross_entropy(n, ...pointers, Math.fround(1 / n));
      const logits = cx.f32(output);
      const right = logits.reduce((count, x, i) => count + Number(x > 0 === y[i]! > 0.5), 0);
      return { loss: cx.f64(sum)[0]! / n, correct: (right / n) * output.shape[0]!, gradient };
    },
  };
}
