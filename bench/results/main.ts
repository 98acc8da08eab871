/** npm run results -- NAME [--jobs N] [--only TEXT] [--list] */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { startProgress } from '../../src/cli/progress.ts';
import { dataFolder } from '../../test/helpers/dataFolder.ts';
import { PAGE, partOf, pathsOf } from './part.ts';
import { replacePart, Store, writeWhole } from './store.ts';
import type { Table } from './table.ts';
import { tables } from './tables.ts';

const DATA = { folder: dataFolder, variable: 'OCTAVO_DATA' };

interface Options {
  readonly jobs: number;
  readonly only: string;
  readonly list?: true;
}

interface Measured {
  readonly outcome: unknown;
  readonly minutes: number;
}

/** In a process of its own: an error in one cell leaves the others. */
function runCell(name: string, cell: object): Promise<Measured> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [process.argv[1]!, name, '--cell', JSON.stringify(cell)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
    });
    child.on('close', (code) => {
      const minutes = (performance.now() - start) / 60000;
      if (code === 0) resolve({ outcome: JSON.parse(text), minutes });
      else reject(new Error(`results: ${JSON.stringify(cell)} ended with status ${code}`));
    });
  });
}

/** The part of the page that belongs to a table, and its plot, from what is known so far. */
function writePart(name: string, table: Table, store: Store<object, unknown>): void {
  const { text, plot } = partOf(name, table, (cell) => store.get(cell));
  if (plot) writeWhole(pathsOf(name).plot, plot);
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '# Results\n';
  writeWhole(PAGE, replacePart(page, name, text));
}

function checkImages({ images = DATA }: Table): void {
  const { folder, variable } = images;
  if (existsSync(folder)) return;
  throw new Error(`results: expected the folder of images at $${variable}, got no ${folder}`);
}

async function computeMissing(name: string, { jobs, only, list }: Options): Promise<void> {
  const table = tables[name]!;
  const store = new Store<object, unknown>(pathsOf(name).cells);
  const wanted = table.cells.filter((cell) => table.nameOf(cell).includes(only));
  const missing = wanted.filter((cell) => !store.get(cell));
  if (list) {
    for (const cell of wanted)
      console.log(`${store.get(cell) ? 'known  ' : 'missing'} ${table.nameOf(cell)}`);
    return;
  }
  if (missing.length > 0) checkImages(table);
  const bar = startProgress(name, missing.length);
  let [next, done] = [0, 0];
  const work = async () => {
    for (let cell = missing[next++]; cell; cell = missing[next++]) {
      const { outcome, minutes } = await runCell(name, cell);
      store.add(cell, outcome, minutes);
      writePart(name, table, store);
      bar.update(++done, table.nameOf(cell));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  bar.end();
  writePart(name, table, store);
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new InvalidArgumentError(`--jobs must be an integer >= 1, got ${text}`);
}

const command = new Command('results')
  .description(
    'Computes the cells of a table of docs/results.md that are not known yet, and writes its part of the page and its plot. ' +
      'Known cells are in docs/results/NAME.json.',
  )
  .argument('<name>', `one of ${Object.keys(tables).join(', ')}`)
  .option('--jobs <n>', 'cells at a time', jobsOf, availableParallelism())
  .option('--only <text>', 'cells whose name contains it, such as "W4A4 lsq"', '')
  .option('--list', 'show which cells are known')
  .option('--cell <json>', 'compute one cell and print what comes out')
  .action(async (name: string, options: Options & { readonly cell?: string }) => {
    const table = tables[name];
    if (!table)
      command.error(`results: expected one of ${Object.keys(tables).join(', ')}, got ${name}`);
    if (options.cell === undefined) return computeMissing(name, options);
    console.log(JSON.stringify(await table!.run(JSON.parse(options.cell))));
  });

try {
  await command.parseAsync();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
