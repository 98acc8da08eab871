import type { Case } from './harness.ts';
import { type Heap, load } from './memory.ts';

interface Loops {
  ceiling(turns: number, at: number): void;
  clock(turns: number, step: number): number;
}

const CEILING_TURNS = 40_000;
const CLOCK_TURNS = 20_000;

/** Dot products and additions of 12 register accumulators, 8 MACs each: what no kernel can beat. */
export function ceilingCase(heap: Heap): Case {
  const { ceiling } = load<Loops>('bench', heap.memory);
  const at = heap.random(128);
  return {
    name: 'ceiling: dot + add in registers',
    unit: 'GMAC/s',
    giga: (CEILING_TURNS * 12 * 8) / 1e9,
    run: () => ceiling(CEILING_TURNS, at),
  };
}

/** Dependent additions, one a cycle: the clock of the processor, in GHz. */
export function clockCase(heap: Heap): Case {
  const { clock } = load<Loops>('bench', heap.memory);
  return {
    name: 'clock: dependent additions',
    unit: 'GHz',
    giga: (CLOCK_TURNS * 16) / 1e9,
    run: () => void clock(CLOCK_TURNS, 12345),
  };
}

/**
 * A run whose ceiling loop is below this was disturbed. Processors with four vector ports reach 1.54 (Zen 4); with the
 * three of Ice Lake hand-written assembler stops at 1.41, and quiet runs of the loop lie between 1.39 and 1.42.
 */
export const LEAST_DOT_ADD_PER_CYCLE = 1.35;

export function dotAddPerCycle(gmacs: number, ghz: number): number {
  return gmacs / 8 / ghz;
}
