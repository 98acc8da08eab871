import type { QuantizerTable } from '../autograd/quantizer.ts';
import { fixed } from './fixed.ts';
import { lsq } from './lsq.ts';
import { movingAverage } from './movingAverage.ts';

/** Ways to choose ranges, by name. */
export const methods = { lsq, movingAverage } as const satisfies QuantizerTable;

export type MethodName = keyof typeof methods;

/** What quantizers may name as their method. */
export const quantizerRules = { ...methods, fixed } as const satisfies QuantizerTable;
