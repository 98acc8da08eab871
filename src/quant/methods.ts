import type { QuantizerTable } from '../autograd/quantizer.ts';
import { lsq } from './lsq.ts';
import { movingAverage } from './movingAverage.ts';

/** Ways to choose ranges, by name. */
export const methods = { lsq, movingAverage } as const satisfies QuantizerTable;

export type MethodName = keyof typeof methods;
