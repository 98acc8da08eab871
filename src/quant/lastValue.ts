import { observer } from './observers.ts';

/** The values of the last batch. */
export const lastValue = observer((seen, min, max) => {
  seen.set([min, max, 1]);
});
