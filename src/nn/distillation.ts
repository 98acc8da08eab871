import { checkNumber, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import { exp, log } from '../core/math.ts';
import { sizeOf } from '../core/shape.ts';
import { labelLoss, targetLoss } from './crossEntropy.ts';
import { countCorrect, type Loss } from './loss.ts';

export interface DistillationOptions {
  /** What both models' logits are divided by; default 4. */
  readonly temperature?: number;
  /** Share of the labels' cross-entropy in the loss, in [0, 1]; default 0.1. */
  readonly alpha?: number;
}

/**
 * alpha·crossEntropy(z, label) + (1 − alpha)·T²·KL(softmax(t/T) ‖ softmax(z/T)), z the student's logits and t the teacher's
 * (Hinton 2015, §2): T² keeps the gradients of the second part as large at any temperature. Batches need the teacher's
 * logits: `withTeacher` adds them to a dataset.
 */
export function distillation(options: DistillationOptions = {}): Loss {
  const where = 'distillation';
  checkOptions(where, options, ['temperature', 'alpha']);
  const { temperature = 4, alpha = 0.1 } = options;
  checkNumber(where, 'temperature', temperature, 0);
  if (temperature === 0) throw rangeError(where, 'temperature must be greater than 0', temperature);
  checkNumber(where, 'alpha', alpha, 0, 1);
  const sharpness = Math.fround(1 / temperature);
  return {
    name: where,
    settings: { temperature, alpha },
    evaluate(cx, logits, y, teacher) {
      const [rows, classes] = logits.shape as [number, number];
      if (!(y instanceof Int32Array)) throw typeError(where, 'y must be class indices', kindOf(y));
      if (teacher?.length !== rows * classes) {
        const expected = `${rows * classes} logits of a teacher (see withTeacher)`;
        throw rangeError(where, expected, teacher?.length ?? 'none');
      }
      const [hard, soft] = [cx.alloc(logits.shape), cx.alloc(logits.shape)];
      const labels = labelLoss(cx, logits, y, hard, Math.fround(alpha / rows));
      const { q, entropy } = soften(teacher, classes, sharpness);
      const scale = Math.fround(((1 - alpha) * temperature) / rows);
      const divergence = targetLoss(cx, logits, q, soft, sharpness, scale) - entropy;
      cx.kernels.f32_vadd(sizeOf(logits.shape), hard.ptr, soft.ptr, hard.ptr);
      return {
        loss: alpha * labels + (1 - alpha) * temperature * temperature * divergence,
        correct: countCorrect(cx.f32(logits), classes, y),
        gradient: hard,
      };
    },
  };
}

/** softmax(logits·sharpness) of each row, and the mean of their entropies. */
function soften(logits: Float32Array, classes: number, sharpness: number) {
  const q = new Float32Array(logits.length);
  let entropy = 0;
  for (let first = 0; first < logits.length; first += classes) {
    const row = logits.subarray(first, first + classes);
    const top = row.reduce((most, v) => Math.max(most, v), -Infinity);
    const powers = Array.from(row, (v) => exp((v - top) * sharpness));
    const sum = powers.reduce((total, e) => total + e, 0);
    powers.forEach((e, c) => {
      q[first + c] = e / sum;
      if (e > 0) entropy -= (e / sum) * log(e / sum);
    });
  }
  return { q, entropy: (entropy * classes) / logits.length };
}
