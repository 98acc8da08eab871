import { observer } from './observers.ts';

/** Share of the old average that a step keeps. */
const DECAY = 0.99;

/**
 * A moving average of the batch minimum and maximum. It is divided by its own weight (Kingma 2015, §3), so that it is right from
 * the first step on, whatever it started from.
 */
export const movingAverage = observer((seen, min, max) => {
  seen[0] = DECAY * seen[0]! + (1 - DECAY) * min;
  seen[1] = DECAY * seen[1]! + (1 - DECAY) * max;
  seen[2] = DECAY * seen[2]! + (1 - DECAY);
});
