import { cpuName, type Report, type Row, rounded, timeRow } from '../harness.ts';
import type { Case } from './contender.ts';
import { FOLDER, prepareNode, startOn } from './node24.ts';
import { prepareNetwork } from './prepare.ts';

interface Start {
  readonly name: string;
  readonly runtime: 'none' | 'octavo' | 'liteRt';
  readonly model: string;
  readonly size: number;
}

/** Of one process: milliseconds until its result is here, and the most memory that it had, in MiB. */
interface Measured {
  readonly time: number;
  readonly memory: number;
}

/**
 * npm run bench -- coldstart: from the start of a process on Node 24 to its first result, packing of weights included,
 * and the peak of its memory; both less those of a Node that does nothing. On all processors, as users start programs:
 * engines compile on threads of their own.
 */
export async function run({ rounds }: { rounds: number }): Promise<Report> {
  const node = prepareNode();
  const light = prepareNetwork('mobilenet_v2');
  const heavy = prepareNetwork('resnet50');
  const starts: Start[] = [
    { name: 'Node alone', runtime: 'none', model: '', size: 0 },
    start('Octavo', 'octavo', light),
    start('LiteRT.js', 'liteRt', light),
    start('Octavo', 'octavo', heavy),
    start('LiteRT.js', 'liteRt', heavy),
  ];
  const measured = await measure(node, starts, rounds);
  const rows = starts.flatMap((_, at) => rowsOf(starts, measured, at));
  const version = await versionOf(node);
  const host = `node ${version}, ${process.platform} ${process.arch}, all cpus`;
  return { suite: 'coldstart', host, cpu: cpuName(), rows };
}

function start(
  name: string,
  runtime: Start['runtime'],
  { name: model, files, shape }: Case,
): Start {
  const path = runtime === 'octavo' ? files.octavo : files.tflite;
  return { name: `${model}: ${name}`, runtime, model: path, size: shape[1]! };
}

/** Each start in each round, in an order that rotates; a first round, which fills the file cache, does not count. */
async function measure(
  node: string,
  starts: readonly Start[],
  rounds: number,
): Promise<Measured[][]> {
  const measured: Measured[][] = starts.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < starts.length; turn++) {
      const at = (turn + Math.max(0, round)) % starts.length;
      const one = await once(node, starts[at]!);
      if (round >= 0) measured[at]!.push(one);
    }
  }
  return measured;
}

async function once(node: string, start: Start): Promise<Measured> {
  const { runtime, model, size } = start;
  const before = performance.now();
  const command = [node, `${FOLDER}/firstResult.mjs`, runtime, model, String(size)] as const;
  const { time, output } = await answerOf([...command]);
  return { time: time - before, memory: Number(output) / 1024 };
}

/** The first that `command` prints, and when; throws unless it ends well. */
async function answerOf(
  command: readonly [string, ...string[]],
): Promise<{ time: number; output: string }> {
  const child = startOn([], command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let time = 0;
  let output = '';
  let errors = '';
  child.stdout!.on('data', (data) => {
    time ||= performance.now();
    output += data;
  });
  child.stderr!.on('data', (data) => {
    errors += data;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`bench: ${command.join(' ')} ended with ${status}: ${errors}`);
  return { time, output };
}

async function versionOf(node: string): Promise<string> {
  return (await answerOf([node, '--version'])).output.trim().slice(1);
}

const FIELDS = [
  { field: 'time', unit: 'ms' },
  { field: 'memory', unit: 'MiB' },
] as const;

/** Node alone as it is, the others less its best and its median. A peer comes after Octavo, and the ratio stands there. */
function rowsOf(starts: readonly Start[], measured: readonly Measured[][], at: number): Row[] {
  return FIELDS.map(({ field, unit }) => {
    const rowAt = (i: number) => {
      return timeRow(
        starts[i]!.name,
        unit,
        measured[i]!.map((one) => one[field]),
      );
    };
    const alone = rowAt(0);
    if (at === 0) return alone;
    const own = less(rowAt(at), alone);
    if (starts[at]!.runtime !== 'octavo') return own;
    const peer = less(rowAt(at + 1), alone);
    return { ...own, ratio: rounded(own.best / peer.best), against: 'LiteRT.js' };
  });
}

function less(row: Row, alone: Row): Row {
  const best = rounded(row.best - alone.best);
  return { ...row, best, median: rounded(row.median - alone.median) };
}
