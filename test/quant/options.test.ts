import { expect, test } from 'vitest';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { quantizeApply } from '../../src/quant/annotate.ts';
import { lsq } from '../../src/quant/lsq.ts';
import type { Method } from '../../src/quant/method.ts';
import { type QuantizeOptions, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { quantizers, schemes } from '../../src/quant/quantizers.ts';

/** What only JavaScript can pass, or JSON. */
const wild = (value: unknown) => value as never;

const quantize = (options: QuantizeOptions) =>
  quantizeModel(sequential([layers.dense({ units: 2, inputShape: [3] })]), options);

const own = (change: object) => quantize({ quantizers: { half: { ...lsq, ...change } as Method } });

const MEMBERS = 'activations, weights, range, rangeGradients, quantizeWeights, backwardWeights';

test.each<[string, () => unknown, string]>([
  [
    'a method of one’s own that lacks something',
    () => own({ range: undefined, weights: null }),
    `quantizeModel: quantizers.half must have ${MEMBERS}, got none of weights, range`,
  ],
  [
    'a method of one’s own that is nothing',
    () => quantize({ quantizers: { half: wild(undefined) } }),
    `quantizeModel: quantizers.half must have ${MEMBERS}, got none of ${MEMBERS}`,
  ],
  [
    'a step of a method that is no function',
    () => own({ derive: 1 }),
    'quantizeModel: quantizers.half.derive must be a function, got 1',
  ],
  [
    'a misspelt wish of a method',
    () => own({ activations: { zeropoint: 'kept' } }),
    'quantizeModel: quantizers.half.activations: options are scale, own, zeroPoint, observes, got zeropoint',
  ],
  [
    'a zero point that there is not',
    () => own({ activations: { zeroPoint: 'free' } }),
    'quantizeModel: quantizers.half.activations: zeroPoint must be one of learned, kept, symmetric, got "free"',
  ],
  [
    'parameters that are no function',
    () => own({ weights: { own: {} } }),
    'quantizeModel: quantizers.half.weights: own must be a function, got Object',
  ],
  [
    'the name of the ranges of ops',
    () => quantize({ quantizers: { fixed: lsq } }),
    'quantizeModel: quantizers must have names of their own, got "fixed"',
  ],
  [
    'methods that are no object',
    () => quantize({ quantizers: wild(null) }),
    'quantizeModel: quantizers must be an object, got null',
  ],
  [
    'layers that are no object',
    () => quantize({ layers: wild('dense') }),
    'quantizeModel: layers must be an object, got "dense"',
  ],
  [
    'an option of the 8-bit scheme that there is not',
    () => schemes.default8Bit(wild({ bits: 4 })),
    'schemes.default8Bit: options are perChannel, got bits',
  ],
  [
    'a scheme of a value that there is not',
    () => schemes.default8Bit({ perChannel: wild('no') }),
    'schemes.default8Bit: perChannel must be true or false, got "no"',
  ],
  [
    'an option of the n-bit scheme that there is not',
    () => schemes.defaultNBit(wild({ bits: 4 })),
    'schemes.defaultNBit: options are weightBits, activationBits, perChannel, got bits',
  ],
  [
    'a scheme of bits that there are not',
    () => schemes.defaultNBit({ weightBits: 9 }),
    'schemes.defaultNBit: weightBits must be an integer in [2, 8], got 9',
  ],
  [
    'activations of bits that there are not',
    () => schemes.defaultNBit({ activationBits: 1 }),
    'schemes.defaultNBit: activationBits must be an integer in [2, 8], got 1',
  ],
  [
    'an option of a quantizer that there is not',
    () => quantizers.lsq(wild({ bit: 4 })),
    'quantizers.lsq: options are bits, perChannel, got bit',
  ],
  [
    'a quantizer by the name that it has here',
    () => quantizers.allValues({ bits: 9 }),
    'quantizers.allValues: bits must be an integer in [2, 8], got 9',
  ],
  [
    'a granularity that there is not',
    () => quantizers.tqt({ perChannel: wild(1) }),
    'quantizers.tqt: perChannel must be true or false, got 1',
  ],
  [
    'a fixed range without 0',
    () => quantizers.fixed({ min: 1, max: 2 }),
    'quantizers.fixed: min must be a finite number in [-Infinity, 0], got 1',
  ],
  [
    'a fixed range without bounds',
    () => quantizers.fixed(wild(undefined)),
    'quantizers.fixed: options must be an object, got undefined',
  ],
  [
    'an option of a method of one’s own that there is not',
    () => quantizers.custom('mine', wild({ bit: 4 })),
    'quantizers.custom: options are bits, perChannel, got bit',
  ],
  [
    'a method without a name',
    () => quantizers.custom(wild(undefined)),
    'quantizers.custom: the name of a method, got undefined',
  ],
  ...[undefined, null, 5].flatMap((model): [string, () => unknown, string][] => [
    [
      `quantizeModel of ${model}`,
      () => quantizeModel(wild(model)),
      `quantizeModel: a model or a Graph, got ${model}`,
    ],
    [
      `quantizeApply of ${model}`,
      () => quantizeApply(wild(model)),
      `quantizeApply: a model or a Graph, got ${model}`,
    ],
  ]),
])('%s is one clear sentence', (_, call, message) => {
  expect(call).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
});
