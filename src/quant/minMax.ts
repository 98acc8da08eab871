import { observer } from './observers.ts';

/** All values that were ever seen. */
export const minMax = observer((seen, min, max) => {
  const weight = seen[2]!;
  seen[0] = Math.min(seen[0]! / weight, min);
  seen[1] = Math.max(seen[1]! / weight, max);
  seen[2] = 1;
});
