import type { Case } from './harness.ts';
import { type Heap, load } from './memory.ts';

interface Loops {
  ceiling(turns: number, at: number): void;
  ceilingF32(turns: number, at: number): void;
  copy(turns: number, to: number, from: number, bytes: number): void;
  clock(turns: number, step: number): number;
}

const CEILING_TURNS = 40_000;
const CLOCK_TURNS = 20_000;
const COPY_TURNS = 20;
/** About what a vector kernel of the benchmark touches: more than a first-level cache, less than a second-level one. */
const COPY_BYTES = 65_536;

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

/** Products and additions of 12 register accumulators, 4 MACs each. */
export function f32CeilingCase(heap: Heap): Case {
  const { ceilingF32 } = load<Loops>('bench', heap.memory);
  const at = heap.floats(32, (i) => 1 + i / 32);
  return {
    name: 'f32 ceiling: mul + add in registers',
    unit: 'GMAC/s',
    giga: (CEILING_TURNS * 12 * 4) / 1e9,
    run: () => ceilingF32(CEILING_TURNS, at),
  };
}

/** memory.copy between buffers that stay in the cache; each byte is read and written. */
export function copyCase(heap: Heap): Case {
  const { copy } = load<Loops>('bench', heap.memory);
  const [from, to] = [heap.random(COPY_BYTES), heap.alloc(COPY_BYTES)];
  return {
    name: 'copy: memory.copy of 64 KiB',
    unit: 'GB/s',
    giga: (COPY_TURNS * 2 * COPY_BYTES) / 1e9,
    run: () => copy(COPY_TURNS, to, from, COPY_BYTES),
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
