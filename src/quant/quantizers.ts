/** Quantizers and schemes as plain data, under TFMOT's names and the papers'. */

import { checkFlag, checkInteger, checkOptions, kindOf, typeError } from '../core/errors.ts';
import type { TensorAnnotation } from '../graph/annotation.ts';
import type { QuantizeOptions } from './quantizeModel.ts';
import { checkBounds, checkTensor } from './scheme.ts';

export interface FixedRange {
  readonly min: number;
  readonly max: number;
  readonly bits?: number;
}

export interface NBitOptions {
  /** 2 to 8, default 8. */
  readonly weightBits?: number;
  readonly activationBits?: number;
  /** A scale for each output channel; default true. */
  readonly perChannel?: boolean;
}

export type QuantizerOptions = Pick<TensorAnnotation, 'bits' | 'perChannel'>;

const quantizer =
  (name: string, method = name) =>
  (options: QuantizerOptions = {}): TensorAnnotation => {
    const where = `quantizers.${name}`;
    checkOptions(where, options, ['bits', 'perChannel']);
    checkTensor(where, options);
    return { method, ...options };
  };

/**
 * What a QuantizeConfig or `layers` takes for a tensor. `perChannel` is for weights. Each throws a TypeError or a RangeError for options that
 * there are not.
 */
export const quantizers = {
  learnedScale: quantizer('learnedScale'),
  lsq: quantizer('lsq'),
  lsqPlus: quantizer('lsqPlus'),
  pact: quantizer('pact'),
  tqt: quantizer('tqt'),
  ewgs: quantizer('ewgs'),
  /** The values of the last batch. */
  lastValue: quantizer('lastValue'),
  /** A debiased average of the bounds of batches. */
  movingAverage: quantizer('movingAverage'),
  /** All values that were ever seen. */
  allValues: quantizer('allValues', 'minMax'),
  /** Activations in a range for good: min ≤ 0 ≤ max. */
  fixed: (range: FixedRange): TensorAnnotation => {
    checkOptions('quantizers.fixed', range, ['min', 'max', 'bits']);
    const annotation = { method: 'fixed', ...range };
    checkTensor('quantizers.fixed', annotation);
    checkBounds('quantizers.fixed', annotation);
    return annotation;
  },
  /** A method of one's own, by the name that the scheme's `quantizers` have for it. */
  custom: (method: string, options: QuantizerOptions = {}): TensorAnnotation => {
    if (typeof method !== 'string') {
      throw typeError('quantizers.custom', 'the name of a method', kindOf(method));
    }
    return quantizer('custom', method)(options);
  },
};

/** What `quantizeApply` and `quantizeModel` take, ready made. */
export const schemes = {
  /** After TFMOT's default (docs/tfmot.md says what differs): weights follow their last value, activations a moving average, 8 bits. */
  default8Bit(options: { readonly perChannel?: boolean } = {}): QuantizeOptions {
    checkOptions('schemes.default8Bit', options, ['perChannel']);
    const { perChannel = true } = options;
    checkFlag('schemes.default8Bit', 'perChannel', perChannel);
    return {
      weights: { method: 'lastValue', perChannel },
      activations: { method: 'movingAverage' },
    };
  },
  /** The same with fewer bits, and with the ends of the network no different. */
  defaultNBit(options: NBitOptions = {}): QuantizeOptions {
    const where = 'schemes.defaultNBit';
    checkOptions(where, options, ['weightBits', 'activationBits', 'perChannel']);
    const { weightBits = 8, activationBits = 8, perChannel = true } = options;
    checkInteger(where, 'weightBits', weightBits, 2, 8);
    checkInteger(where, 'activationBits', activationBits, 2, 8);
    checkFlag(where, 'perChannel', perChannel);
    return {
      weights: { method: 'lastValue', bits: weightBits, perChannel },
      activations: { method: 'movingAverage', bits: activationBits },
      edgeBits: 2,
      otherBits: 2,
    };
  },
};
