import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Something to time: `run` does `work` units (MACs, bytes, cycles) once. */
export interface Case {
  readonly name: string;
  /** The kernel that it runs, if it is about one. */
  readonly kernel?: string;
  readonly unit: string;
  /** Units of `run`, in 10⁹: rates come out in G a second. */
  readonly giga: number;
  run(): void;
}

export interface Row {
  readonly case: string;
  readonly kernel?: string;
  readonly unit: string;
  readonly best: number;
  readonly median: number;
  /** (fastest − slowest) / median of the rounds. */
  readonly spread: number;
  readonly n: number;
  readonly ratio?: number;
  readonly against?: string;
}

export interface Report {
  readonly suite: string;
  readonly host: string;
  readonly cpu: string;
  /** Why the figures must not be used, if so. */
  readonly invalid?: string;
  /** What was found wrong, if something was: the exit code is then 1. */
  readonly failed?: string;
  readonly rows: readonly Row[];
}

export interface Timing {
  readonly rounds: number;
  /** Milliseconds of one measurement. */
  readonly slice: number;
}

const WARM_UP_CALLS = 200;
const WARM_UP_MS = 60;

/** At least 200 calls, or for long runs a time in which the optimizing compiler has finished. */
function warmUp({ run }: Case): void {
  const start = performance.now();
  for (let i = 0; i < WARM_UP_CALLS; i++) {
    run();
    if (performance.now() - start > WARM_UP_MS * 5 && i > 2) return;
  }
  while (performance.now() - start < WARM_UP_MS) run();
}

function timesFor({ run }: Case, slice: number): number {
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < slice) {
    run();
    calls++;
  }
  return calls;
}

/**
 * The rates of every case in each of `rounds` rounds. All cases take their turn in each round and the order rotates,
 * so that a slow spell of the machine falls on all of them.
 */
export function measure(cases: readonly Case[], { rounds, slice }: Timing): number[][] {
  for (const c of cases) warmUp(c);
  const calls = cases.map((c) => timesFor(c, slice));
  const rates: number[][] = cases.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const at = (turn + round) % cases.length;
      const { run, giga } = cases[at]!;
      const start = performance.now();
      for (let i = 0; i < calls[at]!; i++) run();
      const seconds = (performance.now() - start) / 1000;
      rates[at]!.push((giga * calls[at]!) / seconds);
    }
  }
  return rates;
}

export function rowOf(
  { name, kernel, unit }: Pick<Case, 'name' | 'kernel' | 'unit'>,
  rates: readonly number[],
  reference?: { rate: number; against: string },
): Row {
  const sorted = [...rates].sort((a, b) => a - b);
  const best = sorted.at(-1)!;
  const median = sorted[sorted.length >> 1]!;
  return {
    case: name,
    ...(kernel ? { kernel } : {}),
    unit,
    best: rounded(best),
    median: rounded(median),
    spread: rounded((best - sorted[0]!) / median),
    n: sorted.length,
    ...(reference ? { ratio: rounded(best / reference.rate), against: reference.against } : {}),
  };
}

/** A row of times: the best is the least. */
export function timeRow(name: string, unit: string, times: readonly number[]): Row {
  const sorted = [...times].sort((a, b) => a - b);
  const least = sorted[0]!;
  const median = sorted[sorted.length >> 1]!;
  const spread = (sorted.at(-1)! - least) / median;
  return {
    ...{ case: name, unit, best: rounded(least), median: rounded(median) },
    ...{ spread: rounded(spread), n: sorted.length },
  };
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Runtime, system and the processors this process may use. */
export function hostName(): string {
  return `node ${process.versions.node}, ${process.platform} ${process.arch}, cpus ${affinity()}`;
}

export function cpuName(): string {
  return cpus()[0]?.model ?? 'unknown';
}

function affinity(): string {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? 'any';
  } catch {
    return 'any';
  }
}
