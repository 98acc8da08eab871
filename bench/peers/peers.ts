import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Report } from '../harness.ts';
import { architectures } from './architectures.ts';
import { FOLDER, prepareNode, processors, startOn } from './node24.ts';
import { prepareFile, prepareNetwork } from './prepare.ts';
import type { Job } from './race.ts';

export interface RaceOptions {
  readonly rounds: number;
  readonly models: readonly string[];
  readonly tflite: readonly string[];
  /** 0 for what the suite has by default. */
  readonly threads: number;
}

/** npm run bench -- peers: the same network, weights and input on Octavo and its peers, in one process on Node 24. */
export function run(options: RaceOptions): Promise<Report> {
  return race({ suite: 'peers', peers: true, threads: [options.threads || 1] }, options);
}

/** Prepares the files, starts Node 24 on as many processors as there are threads, and takes its report. */
export async function race(
  about: Pick<Job, 'suite' | 'peers' | 'threads'>,
  { rounds, models, tflite }: RaceOptions,
): Promise<Report> {
  const node = prepareNode();
  const names = models.length + tflite.length > 0 ? models : Object.keys(architectures);
  const cases = [...names.map(prepareNetwork), ...tflite.map((file) => prepareFile(file))];
  const job = `${process.cwd()}/build/peers/job.json`;
  writeFileSync(job, JSON.stringify({ ...about, cases, rounds } satisfies Job));
  const child = startOn(processors(Math.max(...about.threads)), [node, `${FOLDER}/race.ts`, job], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const output = await text(child.stdout!);
  const status = await ended;
  if (status !== 0) throw new Error(`bench: ${node} ended with status ${status}`);
  return JSON.parse(output.trim().split('\n').at(-1)!);
}
