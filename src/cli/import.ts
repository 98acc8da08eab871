import { basename } from 'node:path';
import { Command } from 'commander';
import type { Golden } from '../bundle/bundle.ts';
import { writeBundle } from '../bundle/write.ts';
import { arrayOf, type TypedArray } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { elementsPerSample, sizeOf } from '../core/shape.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { importTflite } from '../interop/tflite/import.ts';
import { runLayers } from '../runtime/layers.ts';
import { moduleFrom } from '../runtime/module.ts';
import { makePlan } from '../runtime/plan.ts';
import allKernels from '../wasm/generated/infer.ts';
import { checkPlace, readBytes, writeBytes } from './files.ts';
import { type ImageOptions, imageNotes, withImageOptions } from './imageOptions.ts';
import { grouped, printable } from './table.ts';

interface Options extends ImageOptions {
  readonly output: string;
  readonly name?: string;
  readonly license?: string;
  readonly json?: boolean;
}

/** Seed of the input of the golden vector. */
const SEED = 1;

export function importCommand(): Command {
  const command = new Command('import')
    .description('Make a bundle of an int8 or uint8 .tflite model.')
    .argument('<model>', '.tflite file')
    .requiredOption('-o, --output <bundle>', 'bundle file to write')
    .option('--name <name>', 'name of the model; that of the file by default')
    .option('--license <expression>', 'SPDX expression, kept in the bundle');
  return withImageOptions(command)
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

async function run(path: string, options: Options): Promise<void> {
  await checkPlace(options.output, 'import');
  const file = await readBytes(path, 'import');
  const warnings: string[] = [];
  const onWarning = (message: string) => {
    warnings.push(message);
    process.stderr.write(`import: ${printable(message)}\n`);
  };
  const name = options.name ?? basename(path).replace(/\.tflite$/, '');
  const imported = importTflite(file, { name, onWarning });
  checkIntegers(path, imported);
  const graph = { ...imported, ...(await imageNotes('import', options, imported)) };
  const golden = await goldenVectors(graph);
  const { license } = options;
  const provenance = { source: basename(path), sourceBytes: file.length };
  const bundle = { graph, golden, provenance, ...(license !== undefined && { license }) };
  const bytes = writeBundle(bundle);
  await writeBytes(options.output, bytes, 'import');
  const constants = [...graph.parameters.values()].reduce(
    (sum, { shape }) => sum + sizeOf(shape),
    0,
  );
  const about = { bytes: bytes.length, nodes: graph.nodes.length, constants };
  if (options.json) {
    console.log(JSON.stringify({ bundle: options.output, source: path, ...about, warnings }));
  } else {
    const counts = `${grouped(about.nodes)} steps, ${grouped(constants)} constants`;
    console.error(`${options.output}: ${counts}, ${grouped(bytes.length)} bytes`);
  }
}

function checkIntegers(path: string, { values }: Graph): void {
  if (values.some(({ qparams }) => qparams !== undefined)) return;
  const expected = `${path} must be a model of integers (octavo quantize makes a bundle of one of floats)`;
  throw rangeError('import', expected, 'one of floats');
}

/** One input from a seed and what this machine makes of it; none for a graph of several inputs. */
async function goldenVectors(graph: Graph): Promise<Golden[]> {
  const [input, ...others] = graph.inputs;
  if (input === undefined || others.length > 0) return [];
  const data = randomInput(graph, input);
  const layers = runLayers(makePlan(graph, await moduleFrom(undefined, allKernels)), data);
  const outputs = graph.outputs.map((id) => layers.get(graph.values[id]!.name)!);
  return [{ input: data, outputs }];
}

function randomInput(graph: Graph, id: ValueId): TypedArray {
  const rng = new Rng(SEED);
  const { dtype, shape } = graph.values[id]!;
  const data = new arrayOf[dtype](elementsPerSample(shape));
  if (dtype !== 'f32') return data.map(() => rng.below(256) - (dtype === 'i8' ? 128 : 0));
  // A float input is quantized first: its reals fill the range of these integers.
  const reader = graph.nodes.find(({ op, inputs }) => op === 'quantize' && inputs[0] === id);
  const { scale = [1], zeroPoint = 0 } = graph.values[reader?.output ?? id]?.qparams ?? {};
  return data.map(() => (rng.below(256) - 128 - zeroPoint) * scale[0]!);
}
