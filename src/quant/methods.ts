import { ewgs } from './ewgs.ts';
import { fixed } from './fixed.ts';
import { lastValue } from './lastValue.ts';
import { learnedScale } from './learnedScale.ts';
import { lsq } from './lsq.ts';
import { lsqPlus } from './lsqPlus.ts';
import type { Method } from './method.ts';
import { minMax } from './minMax.ts';
import { movingAverage } from './movingAverage.ts';
import { pact } from './pact.ts';
import { tqt } from './tqt.ts';

/** Ways to choose ranges, by name: first those that learn them, then those that follow the data. */
export const methods = {
  learnedScale,
  lsq,
  lsqPlus,
  pact,
  tqt,
  ewgs,
  movingAverage,
  minMax,
  lastValue,
} as const satisfies Readonly<Record<string, Method>>;

export type MethodName = keyof typeof methods;

/** What quantizers may name as their method. */
export const quantizerRules: Readonly<Record<string, Method>> = { ...methods, fixed };
