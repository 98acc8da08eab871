/** npm run bench -- SUITE [--json] [--rounds N] [--only TEXT] [--models A,B] [--tflite FILE,FILE] [--threads N] */
import { parseArgs } from 'node:util';
import type { Report } from './harness.ts';

interface Options {
  readonly rounds: number;
  readonly only: string;
  /** Names of networks; none for those that the suite has by default. */
  readonly models: readonly string[];
  /** Paths of .tflite files to run in their place. */
  readonly tflite: readonly string[];
  readonly threads: number;
}

type Suite = { run(options: Options): Report | Promise<Report> };

/** Loaded when asked for: a suite may need what another host lacks. */
const suites: Record<string, () => Promise<Suite>> = {
  coldstart: () => import('./peers/coldstart.ts'),
  flat: () => import('./flat.ts'),
  kernels: () => import('./kernels.ts'),
  peers: () => import('./peers/peers.ts'),
  'qat-step': () => import('./qatStep.ts'),
  size: () => import('./size.ts'),
  threads: () => import('./peers/threads.ts'),
  training: () => import('./training/training.ts'),
};

function print({ suite, host, cpu, rows }: Report): void {
  console.log(`${suite} on ${cpu}, ${host}`);
  console.table(rows);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
    models: { type: 'string', default: '' },
    tflite: { type: 'string', default: '' },
    threads: { type: 'string', default: '0' },
  },
});
const suite = suites[positionals[0] ?? ''];
if (!suite) {
  console.error(
    `bench: suite must be one of ${Object.keys(suites).join(', ')}, got ${positionals[0]}`,
  );
  process.exit(2);
}
const listOf = (text: string) => text.split(',').filter((name) => name !== '');
const report = await (await suite()).run({
  rounds: Number(values.rounds),
  only: values.only,
  models: listOf(values.models),
  tflite: listOf(values.tflite),
  threads: Number(values.threads),
});
if (values.json) console.log(JSON.stringify(report));
else print(report);
// On stderr, so that it is seen beside JSON too. A disturbed machine is no failure of the suite: the exit code stays 0.
if (report.invalid) console.error(`bench: INVALID: ${report.invalid}`);
if (report.failed) {
  console.error(`bench: FAILED: ${report.failed}`);
  process.exitCode = 1;
}
