import { Command, InvalidArgumentError } from 'commander';
import { readBundle } from '../bundle/read.ts';
import type { Elements } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { load, type Session } from '../runtime.ts';
import { checkPlace, readBundleBytes, writeBytes } from './files.ts';
import { writeNpy } from './npy.ts';
import { topOf } from './ranking.ts';
import { inputOf, type Records, readRecords } from './records.ts';
import { formatTable, grouped } from './table.ts';

interface Options {
  readonly input: string;
  readonly output?: string;
  readonly dequantize?: boolean;
  readonly top?: number;
  readonly json?: boolean;
}

export function runCommand(): Command {
  return new Command('run')
    .description('Run a bundle on an image or on records and write its outputs, one row a record.')
    .argument('<bundle>', 'bundle file')
    .requiredOption(
      '--input <file>',
      'PNG or JPEG; .npy; little-endian records: .u8 pixels or integers, .i8 integers, .f32 reals',
    )
    .option('--output <file>', 'where the rows go, one after another; an array if it ends in .npy')
    .option('--dequantize', 'write f32 reals in place of integers')
    .option('--top <k>', 'print the k classes of the highest scores of each record', count)
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 is expected.');
}

async function run(path: string, options: Options, command: Command): Promise<void> {
  const { input, output, top, dequantize = false } = options;
  if (output === undefined && top === undefined) {
    command.error('error: expected --output <file>, --top <k> or both, got neither');
  }
  if (output !== undefined) await checkPlace(output, 'run');
  const bytes = await readBundleBytes(path, 'run');
  const session = await load(bytes);
  if (output?.endsWith('.npy')) checkOneOutput(session, 'an .npy file holds');
  if (top !== undefined) checkOneOutput(session, '--top looks at');
  const records = await readRecords('run', input, session);
  const { rows, times } = runRecords(session, records, dequantize);
  if (output !== undefined) await writeBytes(output, fileOf(output, session, rows), 'run');
  const { labels } = readBundle(bytes).graph;
  const best =
    top === undefined ? undefined : rows.map((row) => topEntries(session, row, top, labels));
  const latencyMs = times.sort((a, b) => a - b)[times.length >> 1]!;
  if (options.json) {
    console.log(
      JSON.stringify({ bundle: path, records: records.count, output, latencyMs, top: best }),
    );
    return;
  }
  if (best) console.log(best.map(showEntries).join('\n\n'));
  const counted = `${grouped(records.count)} ${records.count === 1 ? 'record' : 'records'}`;
  // The first run of a process is several times slower than later ones, and the median of one record is that run.
  const time = records.count === 1 ? 'ms for this first run' : 'ms a record (median)';
  console.error(`${output ?? input}: ${counted}, ${latencyMs.toFixed(3)} ${time}`);
}

function checkOneOutput({ outputs }: Session, what: string): void {
  if (outputs.length === 1) return;
  throw rangeError('run', `${what} one output: expected a bundle with one`, outputs.length);
}

/** The arrays of one record, one an output. */
type Row = readonly Elements[];

/** One record at a time, since the order of outputs in the file is by record. */
function runRecords(session: Session, records: Records, dequantize: boolean) {
  const { name } = inputOf('run', session);
  const rows: Row[] = [];
  const times: number[] = [];
  for (let i = 0; i < records.count; i++) {
    const record = { [name]: records.at(i) };
    const start = performance.now();
    const outputs = dequantize ? session.run(record, { dequantize }) : session.run(record);
    times.push(performance.now() - start);
    rows.push(Object.values(outputs).map((data) => data.slice()));
  }
  return { rows, times };
}

function fileOf(path: string, { outputs }: Session, rows: readonly Row[]): Uint8Array {
  const arrays = rows.flat();
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  if (!path.endsWith('.npy')) return bytes;
  const Kind = arrays[0]!.constructor as new (buffer: ArrayBuffer) => Elements;
  const [first, ...sample] = outputs[0]!.shape;
  return writeNpy(new Kind(bytes.buffer), [rows.length * first!, ...sample]);
}

interface Entry {
  readonly index: number;
  readonly label?: string;
  /** The real value. */
  readonly score: number;
}

function topEntries(
  { outputs }: Session,
  [scores]: Row,
  count: number,
  labels?: readonly string[],
): Entry[] {
  const { scale = 1, zeroPoint = 0 } = scores instanceof Float32Array ? {} : outputs[0]!;
  return topOf(scores!, count).map((index) => {
    const score = Math.fround((scores![index]! - zeroPoint) * scale);
    const label = labels?.[index];
    return { index, ...(label !== undefined && { label }), score };
  });
}

function showEntries(entries: readonly Entry[]): string {
  const rows = entries.map(({ index, label = '', score }) => [
    label,
    String(index),
    score.toPrecision(4),
  ]);
  return formatTable(['label', 'entry', 'score'], rows);
}
