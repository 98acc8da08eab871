/** The losses by name. */

import { crossEntropy } from './crossEntropy.ts';
import { distillation } from './distillation.ts';
import { binaryCrossEntropy, huber, mae, mse } from './targetLosses.ts';

export { crossEntropy } from './crossEntropy.ts';
export { argmax, checkLoss, countCorrect, type Loss, type LossResult } from './loss.ts';

export const losses = {
  crossEntropy,
  binaryCrossEntropy,
  mse,
  mae,
  huber,
  distillation,
} as const;
