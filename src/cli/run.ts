import { Command } from 'commander';
import { load } from '../runtime.ts';
import { checkPlace, readBytes, writeBytes } from './files.ts';
import { grouped } from './table.ts';

interface Options {
  readonly input: string;
  readonly output: string;
  readonly dequantize?: boolean;
  readonly json?: boolean;
}

export function runCommand(): Command {
  return new Command('run')
    .description('Run a bundle on raw records and write its outputs, one row a record.')
    .argument('<bundle>', 'bundle file')
    .requiredOption('--input <file>', 'little-endian records: .u8 pixels, .i8 integers, .f32 reals')
    .requiredOption('--output <file>', 'where the output rows go, one after another')
    .option('--dequantize', 'write f32 reals in place of integers')
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

type Records = Uint8Array | Int8Array | Float32Array;

/** The kind of record is in the file's name. */
function recordsOf(path: string, bytes: Uint8Array<ArrayBuffer>): Records {
  if (path.endsWith('.u8')) return bytes;
  if (path.endsWith('.i8')) return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!path.endsWith('.f32')) {
    throw new TypeError(`run: expected --input with the ending .u8, .i8 or .f32, got ${path}`);
  }
  if (bytes.length % 4 !== 0) {
    throw new RangeError(`run: expected a multiple of 4 bytes in ${path}, got ${bytes.length}`);
  }
  return new Float32Array(bytes.slice().buffer);
}

async function run(path: string, options: Options): Promise<void> {
  await checkPlace(options.output, 'run');
  const session = await load(await readBytes(path, 'run'));
  const [input, ...others] = session.inputs;
  if (!input || others.length > 0) {
    throw new RangeError(`run: expected a bundle with one input, got ${session.inputs.length}`);
  }
  const records = recordsOf(options.input, await readBytes(options.input, 'run'));
  const size = input.shape.reduce((product, extent) => product * extent, 1);
  if (records.length === 0 || records.length % size !== 0) {
    const shape = input.shape.slice(1).join(',');
    throw new RangeError(
      `run: expected records of ${size} values ([${shape}]) in ${options.input}, got ${records.length} values`,
    );
  }
  const { rows, times } = runRecords(
    session,
    input.name,
    records,
    size,
    options.dequantize ?? false,
  );
  await writeBytes(options.output, concatenate(rows), 'run');
  const latencyMs = times.sort((a, b) => a - b)[times.length >> 1]!;
  if (options.json) {
    console.log(
      JSON.stringify({ bundle: path, records: rows.length, output: options.output, latencyMs }),
    );
  } else {
    const count = `${grouped(rows.length)} ${rows.length === 1 ? 'record' : 'records'}`;
    console.error(`${options.output}: ${count}, median ${latencyMs.toFixed(3)} ms a record`);
  }
}

/** One record at a time, since the order of outputs in the file is by record. */
function runRecords(
  session: Awaited<ReturnType<typeof load>>,
  name: string,
  records: Records,
  size: number,
  dequantize: boolean,
): { rows: Uint8Array[]; times: number[] } {
  const rows: Uint8Array[] = [];
  const times: number[] = [];
  for (let at = 0; at < records.length; at += size) {
    const record = { [name]: records.subarray(at, at + size) };
    const start = performance.now();
    const outputs = dequantize ? session.run(record, { dequantize }) : session.run(record);
    times.push(performance.now() - start);
    for (const { buffer, byteOffset, byteLength } of Object.values(outputs)) {
      rows.push(new Uint8Array(buffer, byteOffset, byteLength).slice());
    }
  }
  return { rows, times };
}

function concatenate(rows: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    bytes.set(row, at);
    at += row.length;
  }
  return bytes;
}
