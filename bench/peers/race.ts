/**
 * node race.ts JOB: runs every case of the job on every runtime in this one process, on the processors it may use, and
 * prints one Report as JSON. Node strips the types itself.
 */
import { readFileSync } from 'node:fs';
import { cpuName, hostName, type Report, type Row, rounded, timeRow } from '../harness.ts';
import type { Case, Contender, Input } from './contender.ts';
import { difference } from './difference.ts';
import { openLiteRtModel } from './liteRt.ts';
import { openOctavo } from './octavo.ts';
import { openOnnxRuntime } from './onnxRuntime.ts';

export interface Job {
  readonly suite: string;
  readonly cases: readonly Case[];
  readonly rounds: number;
  /** For each of these numbers of threads Octavo takes part once; the peers use the last. */
  readonly threads: readonly number[];
  readonly peers: boolean;
}

interface Timed {
  readonly contender: Contender;
  readonly times: number[];
  /** Calls of a turn. */
  calls: number;
}

const WARM_UP_CALLS = 200;
const WARM_UP_MS = 3000;
/** A turn has enough calls for this time, so that the caches are the runtime's own in most of them. */
const TURN_MS = 60;
/** Outputs may differ by so many units: runtimes round ties and multipliers in ways of their own. */
const TOLERANCE = 2;
/** Below this share of a processor something else was running on it. */
const LEAST_SHARE = 0.9;

const job: Job = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));
const rows: Row[] = [];
const failures: string[] = [];
const disturbances: string[] = [];
for (const one of job.cases) await race(one);
const report: Report = {
  suite: job.suite,
  host: hostName(),
  cpu: cpuName(),
  ...(disturbances.length > 0 && { invalid: disturbances.join('; ') }),
  ...(failures.length > 0 && { failed: failures.join('; ') }),
  rows,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

async function race(one: Case): Promise<void> {
  console.error(`bench: ${one.name}`);
  const runners = await open(one);
  try {
    await compare(one, runners);
    const timed = await warmUp(runners);
    const share = await time(timed);
    if (share < LEAST_SHARE) {
      disturbances.push(`${one.name} had ${rounded(share)} of a processor`);
    }
    rows.push(...rowsOf(one, timed));
  } finally {
    for (const { close } of runners) await close();
  }
}

async function open(one: Case): Promise<Contender[]> {
  const input = inputOf(one);
  const runners: Contender[] = [];
  for (const threads of job.threads) {
    const octavo = await openOctavo(one, input, threads);
    runners.push({ ...octavo, name: named(octavo.name, threads) });
  }
  if (!job.peers) return runners;
  const threads = job.threads.at(-1)!;
  runners.push(await openLiteRtModel(one, input));
  const { onnx } = one.files;
  if (onnx !== undefined && input instanceof Uint8Array) {
    const runtime = await openOnnxRuntime(one, onnx, input, threads);
    runners.push({ ...runtime, name: named(runtime.name, threads) });
  }
  return runners;
}

function named(name: string, threads: number): string {
  return job.threads.length === 1 && threads === 1 ? name : `${name}, threads ${threads}`;
}

function inputOf({ input, dtype }: Case): Input {
  const bytes = new Uint8Array(readFileSync(input));
  return dtype === 'u8' ? bytes : new Float32Array(bytes.buffer);
}

/** Notes a failure for every runtime whose outputs differ too much from those of the first. */
async function compare(
  { name, unit }: Case,
  [first, ...others]: readonly Contender[],
): Promise<void> {
  const expected = await first!.outputs();
  for (const other of others) {
    const { largest, count } = difference(expected, await other.outputs(), unit);
    const what = `${name}: ${first!.name} and ${other.name} differ by ${largest} units`;
    console.error(`bench: ${what} at most, in ${count} of ${expected.length} outputs`);
    if (!(largest <= TOLERANCE)) failures.push(what);
  }
}

async function warmUp(runners: readonly Contender[]): Promise<Timed[]> {
  const timed: Timed[] = [];
  for (const contender of runners) {
    const start = performance.now();
    let calls = 0;
    let elapsed = 0;
    let fastest = Infinity;
    while (calls < 3 || (calls < WARM_UP_CALLS && elapsed < WARM_UP_MS)) {
      await contender.run();
      calls++;
      const now = performance.now() - start;
      fastest = Math.min(fastest, now - elapsed);
      elapsed = now;
    }
    timed.push({ contender, times: [], calls: Math.ceil(TURN_MS / fastest) });
  }
  return timed;
}

/** Takes turns in an order that rotates. Returns the share of a processor that this process had. */
async function time(timed: readonly Timed[]): Promise<number> {
  const start = performance.now();
  const used = process.cpuUsage();
  for (let round = 0; round < job.rounds; round++) {
    for (let turn = 0; turn < timed.length; turn++) {
      const { contender, times, calls } = timed[(turn + round) % timed.length]!;
      for (let call = 0; call < calls; call++) {
        const before = performance.now();
        const done = contender.run();
        // A microtask is not timed where nothing has to be waited for.
        if (done instanceof Promise) await done;
        times.push(performance.now() - before);
      }
    }
  }
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1000 / (performance.now() - start);
}

/** A row for each runtime, and one for the first against each of the others. */
function rowsOf({ name }: Case, timed: readonly Timed[]): Row[] {
  const of = timed.map(({ contender, times }) => {
    return timeRow(`${name}: ${contender.name}`, 'ms', times);
  });
  const [first, ...others] = of;
  return [
    ...of,
    ...others.map((other, i) => {
      const ratio = rounded(first!.best / other.best);
      return { ...first!, ratio, against: timed[i + 1]!.contender.name };
    }),
  ];
}
