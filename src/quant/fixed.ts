import type { QuantizerRule } from '../autograd/quantizer.ts';
import { lsq } from './lsq.ts';
import { movingAverage } from './movingAverage.ts';

/** A range that follows from the op, as that of softmax: nothing is observed or learned, gradients pass straight through. */
export const fixed: QuantizerRule = {
  range: lsq.range,
  rangeGradients: movingAverage.rangeGradients,
  quantizeWeights: lsq.quantizeWeights,
  backwardWeights: movingAverage.backwardWeights,
};
