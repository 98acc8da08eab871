import { MOST_PARTS } from './step.ts';

/** Waking threads and waiting for them costs some microseconds: a part is worth at least so many multiply-accumulates. */
const LEAST_PART = 500_000;

/** Threads rarely run at one speed; with some more parts than threads the fast ones take more. */
const PARTS_PER_THREAD = 4;

/**
 * Cuts `units` of `unitMacs` each into parts [first, count] for `threads` threads: one part where it is not worth
 * more. Parts start at multiples of `grain`.
 */
export function cut(
  units: number,
  unitMacs: number,
  grain: number,
  threads: number,
): readonly (readonly [first: number, count: number])[] {
  const grains = Math.ceil(units / grain);
  const worth = Math.floor((units * unitMacs) / LEAST_PART);
  const parts = threads === 1 ? 1 : Math.min(threads * PARTS_PER_THREAD, grains, worth, MOST_PARTS);
  if (parts <= 1) return [[0, units]];
  const start = (i: number) => Math.min(units, Math.floor((i * grains) / parts) * grain);
  return Array.from({ length: parts }, (_, i) => [start(i), start(i + 1) - start(i)] as const);
}
