/** Quantizers and schemes as plain data, under TFMOT's names and the papers'. */

import { checkOptions } from '../core/errors.ts';
import type { TensorAnnotation } from '../graph/annotation.ts';
import type { QuantizeOptions } from './quantizeModel.ts';

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
  (method: string) =>
  (options: QuantizerOptions = {}): TensorAnnotation => {
    checkOptions(`quantizers.${method}`, options, ['bits', 'perChannel']);
    return { method, ...options };
  };

/** What a QuantizeConfig or `layers` takes for a tensor. `perChannel` is for weights. */
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
  allValues: quantizer('minMax'),
  /** Activations in a range for good: min ≤ 0 ≤ max. */
  fixed: (range: FixedRange): TensorAnnotation => {
    checkOptions('quantizers.fixed', range, ['min', 'max', 'bits']);
    return { method: 'fixed', ...range };
  },
  /** A method of one's own, by the name that the scheme's `quantizers` have for it. */
  custom: (method: string, options: QuantizerOptions = {}): TensorAnnotation =>
    quantizer(method)(options),
};

/** What `quantizeApply` and `quantizeModel` take, ready made. */
export const schemes = {
  /** TFMOT's default: weights follow their last value, activations a moving average, 8 bits. */
  default8Bit(options: { readonly perChannel?: boolean } = {}): QuantizeOptions {
    checkOptions('schemes.default8Bit', options, ['perChannel']);
    const { perChannel = true } = options;
    return {
      weights: { method: 'lastValue', perChannel },
      activations: { method: 'movingAverage' },
    };
  },
  /** The same with fewer bits, and with the ends of the network no different. */
  defaultNBit(options: NBitOptions = {}): QuantizeOptions {
    checkOptions('schemes.defaultNBit', options, ['weightBits', 'activationBits', 'perChannel']);
    const { weightBits = 8, activationBits = 8, perChannel = true } = options;
    return {
      weights: { method: 'lastValue', bits: weightBits, perChannel },
      activations: { method: 'movingAverage', bits: activationBits },
      edgeBits: 2,
      otherBits: 2,
    };
  },
};
