import { Command } from 'commander';
import { type Comparison, type VerifyReport, verify } from '../runtime/verify.ts';
import { readBundleBytes } from './files.ts';
import { grouped, printable } from './table.ts';

interface Options {
  readonly reference?: boolean;
  readonly json?: boolean;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Replay the golden vectors inside a bundle and compare every output integer.')
    .argument('<bundle>', 'bundle file')
    .option('--reference', 'also run the plain interpreter and compare the integers of every layer')
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

async function run(path: string, { reference = false, json = false }: Options): Promise<void> {
  const report = await verify(await readBundleBytes(path, 'verify'), { reference });
  if (json) console.log(JSON.stringify({ bundle: path, ...report }));
  else print(path, report);
  if (report.vectors === 0) throw new Error(`verify: expected golden vectors in ${path}, got none`);
  if (report.mismatching + (report.reference?.mismatching ?? 0) > 0) process.exitCode = 1;
}

function print(path: string, report: VerifyReport): void {
  const vectors = `${grouped(report.vectors)} golden ${report.vectors === 1 ? 'vector' : 'vectors'}`;
  console.log(`${path}: ${vectors}, ${describe(report)}`);
  show(report);
  if (!report.reference) return;
  console.log(`plain interpreter, every layer: ${describe(report.reference)}`);
  show(report.reference);
}

function describe({ compared, mismatching }: Comparison): string {
  return `${grouped(compared)} integers compared, ${grouped(mismatching)} mismatches`;
}

/** The first few differences. */
function show({ mismatches }: Comparison): void {
  for (const { vector, sample, value, index, got, expected } of mismatches.slice(0, 5)) {
    console.log(
      `  vector ${vector}, sample ${sample}, ${printable(value)}[${index}]: expected ${expected}, got ${got}`,
    );
  }
}
