import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { install } from '../../.ci/install.mjs';
import { cpuName, type Report, type Row, rounded, timeRow } from '../harness.ts';
import { prepareNode, processors, startOn } from '../peers/node24.ts';
import { nets } from './nets.mjs';

const FOLDER = `${process.cwd()}/bench/training`;
/** PyTorch reads the nets from here. */
const NETS = `${process.cwd()}/build/training/nets.json`;

/** One framework in one mode: a program that prints `Steps` as its last line. */
interface Contender {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly mode: string;
  /** Not measured again in later rounds: steps of seconds say enough once. */
  readonly slow?: true;
}

interface Steps {
  readonly times: readonly number[];
  readonly firstLoss: number;
  readonly lastLoss: number;
}

type Outcome = Steps | { readonly error: string };

export interface TrainingOptions {
  readonly rounds: number;
  /** Names of nets; all of `nets` if there are none. */
  readonly models: readonly string[];
  /** Contenders whose name has this text; all for ''. */
  readonly only: string;
}

const BATCH = 32;
/** Of one turn of one contender. */
const SECONDS = 3;
/** `--rounds` counts turns of three seconds here. */
const MOST_ROUNDS = 4;

/**
 * npm run bench -- training: one step (forward, loss, backward, SGD with momentum) of four nets, batch 32, on one
 * processor: Octavo in float and quantization-aware, jax-js and TensorFlow.js on wasm, and PyTorch where Python has it. Each
 * turn is a process of its own; the order rotates. A ratio is Octavo's best time over theirs.
 */
export async function run({ rounds, models, only }: TrainingOptions): Promise<Report> {
  const cpus = processors(1);
  const contenders = prepare().filter(({ name }) => name.includes(only));
  const names = models.length > 0 ? models : Object.keys(nets);
  const rows: Row[] = [];
  for (const net of names) {
    const outcomes = await race(net, contenders, Math.min(rounds, MOST_ROUNDS), cpus);
    rows.push(...rowsOf(net, contenders, outcomes));
  }
  const where = cpus.length > 0 ? cpus.join(',') : 'any';
  const host = `${process.platform} ${process.arch}, batch ${BATCH}, cpus ${where}`;
  return { suite: 'training', host, cpu: cpuName(), rows };
}

/** Installs what npm has; PyTorch takes part where it is. */
function prepare(): Contender[] {
  const node = prepareNode();
  install(FOLDER, 'the training peers');
  mkdirSync(`${process.cwd()}/build/training`, { recursive: true });
  writeFileSync(NETS, JSON.stringify(nets));
  const script = (name: string) => [node, `${FOLDER}/${name}.mjs`] as const;
  const contenders: Contender[] = [
    { name: 'Octavo float', command: script('octavo'), mode: 'float' },
    { name: 'Octavo QAT', command: script('octavo'), mode: 'qat' },
    { name: 'TensorFlow.js wasm', command: script('tensorflow'), mode: 'float', slow: true },
    { name: 'jax-js wasm', command: script('jax'), mode: 'float', slow: true },
  ];
  const python = pythonWithTorch();
  if (!python) {
    console.error('bench: no python3 here imports torch, so PyTorch takes no part');
    return contenders;
  }
  const command = [python, `${FOLDER}/torch_steps.py`, NETS] as const;
  return [
    ...contenders,
    { name: 'PyTorch float', command, mode: 'float' },
    { name: 'PyTorch float, channels last', command, mode: 'channelsLast' },
    { name: 'PyTorch QAT', command, mode: 'qat' },
  ];
}

/** Another Python may come first on the path than the one that packages of the system are for. */
function pythonWithTorch(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => {
    return spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
  });
}

async function race(
  net: string,
  contenders: readonly Contender[],
  rounds: number,
  cpus: readonly number[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const at = (turn + round) % contenders.length;
      const known = outcomes[at];
      if (known && ('error' in known || contenders[at]!.slow)) continue;
      outcomes[at] = joined(known, await once(net, contenders[at]!, cpus));
    }
  }
  return outcomes;
}

function joined(known: Outcome | undefined, next: Outcome): Outcome {
  if (!known || 'error' in known || 'error' in next) return next;
  return { ...known, times: [...known.times, ...next.times] };
}

async function once(
  net: string,
  { name, command: [program, ...args], mode }: Contender,
  cpus: readonly number[],
): Promise<Outcome> {
  const child = startOn(cpus, [program, ...args, net, mode, String(SECONDS), String(BATCH)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1' },
  });
  const last = (await text(child.stdout!)).trim().split('\n').at(-1)!;
  try {
    return JSON.parse(last) as Outcome;
  } catch {
    return { error: `${name} printed no result` };
  }
}

/** Octavo's rows first, each again against every peer that does the same; a peer that cannot run a net says why. */
function rowsOf(
  net: string,
  contenders: readonly Contender[],
  outcomes: readonly Outcome[],
): Row[] {
  const rows: Row[] = [];
  const measured = new Map<string, Row>();
  contenders.forEach(({ name }, i) => {
    const outcome = outcomes[i]!;
    if ('error' in outcome) {
      rows.push({ ...timeRow(`${net}: ${name}: ${outcome.error}`, 'ms', [Number.NaN]), n: 0 });
      return;
    }
    const row = timeRow(`${net}: ${name}`, 'ms', [...outcome.times]);
    measured.set(name, row);
    rows.push(row);
  });
  const against = (own: string, other: string) => {
    const [a, b] = [measured.get(own), measured.get(other)];
    if (a && b) rows.push({ ...a, ratio: rounded(a.best / b.best), against: other });
  };
  for (const { name } of contenders) {
    if (name.startsWith('Octavo')) continue;
    against(name.endsWith('QAT') ? 'Octavo QAT' : 'Octavo float', name);
  }
  against('Octavo QAT', 'Octavo float');
  return rows;
}
