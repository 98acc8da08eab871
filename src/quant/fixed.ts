import { rangeOf } from './kernels.ts';
import { lastValue } from './lastValue.ts';
import { lsq } from './lsq.ts';
import type { Method } from './method.ts';

/** A range that follows from the op, as that of softmax: nothing is observed or learned, gradients pass straight through. */
export const fixed: Method = {
  ...lastValue,
  activations: {},
  range: rangeOf,
  quantizeWeights: lsq.quantizeWeights,
};
