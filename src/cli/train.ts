import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { TypedArray } from '../core/dtype.ts';
import { encode, type StoredTensor } from '../core/safetensors.ts';
import type { Graph } from '../graph/graph.ts';
import type { QuantizedModel } from '../quant/quantizeModel.ts';
import type { Callback, EpochReport } from '../train/callbacks.ts';
import type { Evaluation } from '../train/evaluate.ts';
import type { Model } from '../train/resolve.ts';
import { decodeState } from '../train/state.ts';
import { namedParameters } from '../train/weights.ts';
import { checkPlace, readBytes, writeBytes } from './files.ts';
import { Interruption } from './interruption.ts';
import { loadRecipe, type Recipe } from './loadRecipe.ts';
import type { RecipeFit } from './recipe.ts';
import { grouped, percent } from './table.ts';
import { TrainProgress } from './trainProgress.ts';

interface Options {
  readonly resume?: boolean;
  readonly output?: string;
  readonly checkpoint?: string;
  readonly threads?: number;
  readonly checkNumerics?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function trainCommand(): Command {
  return new Command('train')
    .description('Train what a recipe says, quantize it if it says so, and write the result.')
    .argument('<recipe>', '.ts, .mts, .mjs or .js file whose default export is a TrainConfig')
    .option('--resume', 'go on from the checkpoint, if there is one')
    .option('-o, --output <file>', "where the result goes; the recipe's output by default")
    .option('--checkpoint <file>', 'where checkpoints go; beside the output by default')
    .option('--threads <n>', 'threads that share a step; the bytes are the same', atLeastOne)
    .option('--check-numerics', 'name the op that first makes a NaN or an infinity; slower')
    .option('--quiet', 'no progress')
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

function atLeastOne(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 to 99 is expected.');
}

/** What became of one of the two trainings. */
interface Phase {
  readonly history: readonly EpochReport[];
  /** On the test data, or the validation data; null without either. */
  readonly evaluation: Evaluation | null;
}

interface Result {
  readonly output: string;
  readonly bytes: number;
  readonly checkpoint: string;
  readonly float: Phase;
  readonly quantized: Phase | null;
}

async function run(file: string, options: Options): Promise<void> {
  const interruption = new Interruption();
  try {
    const job = await Job.load(file, options, interruption);
    const result = await job.run();
    if (result) console.log(options.json ? JSON.stringify(result) : summary(result));
    else job.explain();
  } finally {
    interruption.release();
  }
}

/** One run of the command. */
class Job {
  readonly output: string;
  readonly checkpoint: string;
  /** Whether the checkpoint is of this training: it was taken up, or written since. */
  #kept = false;
  /** Known when the quantized training begins; its checkpoints keep it. */
  #float: Phase | undefined;

  static async load(file: string, options: Options, interruption: Interruption): Promise<Job> {
    const job = new Job(file, await loadRecipe(file), options, interruption);
    await checkPlace(job.output, 'train');
    await checkPlace(job.checkpoint, 'train');
    return job;
  }

  constructor(
    readonly file: string,
    readonly recipe: Recipe,
    readonly options: Options,
    readonly interruption: Interruption,
  ) {
    this.output = options.output ?? recipe.config.output;
    this.checkpoint =
      options.checkpoint ?? `${this.output.replace(/\.[^./\\]*$/, '')}.checkpoint.safetensors`;
  }

  /** Undefined when it was interrupted. */
  async run(): Promise<Result | undefined> {
    const { config, library } = this.recipe;
    const saved = await this.#saved();
    const { model } = config;
    if (!saved?.quantized) {
      const history = await this.#train('float', model, config.fit, saved?.bytes);
      if (this.interruption.happened) return undefined;
      this.#float = { history, evaluation: await this.#evaluate(model, config.fit) };
    }
    if (!config.quantize) return this.#finish(await this.#weights(), null);
    const { fit, ...how } = config.quantize === true ? {} : config.quantize;
    const graph = 'nodes' in model ? model : model.build([...config.data.train.shape]);
    const qat = library.quantizeModel(graph, how);
    const resume = saved?.quantized ? saved.bytes : undefined;
    const history = await this.#train('quantized', qat, fit, resume);
    if (this.interruption.happened) return undefined;
    const quantized = { history, evaluation: await this.#evaluate(qat, fit) };
    return this.#finish(this.#bundle(qat, quantized), quantized);
  }

  /** The checkpoint to go on from, and which of the two trainings made it. */
  async #saved(): Promise<{ bytes: Uint8Array; quantized: boolean } | undefined> {
    if (!this.options.resume) return undefined;
    if (!(await exists(this.checkpoint))) {
      this.#note(`no checkpoint at ${this.checkpoint}: training starts`);
      return undefined;
    }
    const bytes = await readBytes(this.checkpoint, 'train');
    const { fingerprint } = decodeState(bytes, `train: ${this.checkpoint}`);
    this.#kept = true;
    return { bytes, quantized: String(fingerprint.model).startsWith('quantized') };
  }

  async #train(
    title: 'float' | 'quantized',
    model: Model,
    how: RecipeFit = {},
    resume?: Uint8Array,
  ): Promise<EpochReport[]> {
    const { library, config } = this.recipe;
    const { train, validation } = config.data;
    const progress = new TrainProgress(title);
    this.interruption.onQuit = () => progress.close();
    const shown = this.options.quiet ? [] : [progress];
    const { checkNumerics = how.checkNumerics, threads = how.threads } = this.options;
    // After the file is written.
    const save = () => {
      this.#kept = true;
    };
    let steps = 0;
    const count: Callback = {
      name: 'steps',
      onStep: () => {
        steps++;
      },
    };
    try {
      const history = await library.fit(model, train, {
        ...how,
        ...(validation && { validation }),
        ...(resume && { resume }),
        ...(checkNumerics !== undefined && { checkNumerics }),
        ...(threads !== undefined && { threads }),
        callbacks: [...(how.callbacks ?? []), this.#memory(), count, ...shown],
        checkpoint: { ...how.checkpoint, path: this.checkpoint, save },
        signal: this.interruption.signal,
      });
      if (resume && steps === 0 && !this.interruption.happened) {
        const more = 'more epochs in the recipe would go on from there';
        this.#note(`nothing left to train: ${this.checkpoint} is of its end; ${more}`);
      }
      return history;
    } finally {
      progress.end();
    }
  }

  /** Checkpoints of the quantized training remember what came before it. */
  #memory(): Callback {
    return {
      name: 'octavo train',
      save: () => ({ values: { float: this.#float ?? null } }),
      restore: ({ values }) => {
        this.#float ??= (values as { float: Phase | null }).float ?? undefined;
      },
    };
  }

  async #evaluate(model: Model, { loss }: RecipeFit = {}): Promise<Evaluation | null> {
    const { config, library } = this.recipe;
    const { test = config.data.validation } = config.data;
    return test ? library.evaluate(model, test, loss ? { loss } : {}) : null;
  }

  /** The trained parameters by name, for those who have no use for integers. */
  async #weights(): Promise<Uint8Array> {
    const { model, data } = this.recipe.config;
    const graph: Graph = 'nodes' in model ? model : model.build([...data.train.shape]);
    const stored = [...namedParameters(graph)].map(([name, { shape, data }]): StoredTensor => {
      return { name, dtype: 'f32', shape, data: Float32Array.from(data) as TypedArray };
    });
    return encode(stored, {}, 'train');
  }

  #bundle(qat: QuantizedModel, { history, evaluation }: Phase): Uint8Array {
    const { config, library } = this.recipe;
    const provenance = {
      recipe: basename(this.file),
      samples: config.data.train.length,
      seed: config.data.train.seed,
      floatEpochs: this.#float?.history.length ?? 0,
      quantizedEpochs: history.length,
      ...(evaluation && { top1: evaluation.top1 }),
      ...config.about?.provenance,
    };
    return library.convert(qat, { ...config.about, provenance }).toBytes();
  }

  async #finish(bytes: Uint8Array, quantized: Phase | null): Promise<Result> {
    await writeBytes(this.output, bytes, 'train');
    const { output, checkpoint } = this;
    return { output, bytes: bytes.length, checkpoint, float: this.#float!, quantized };
  }

  /** After an interruption: what is kept, and how to go on. */
  explain(): void {
    const kept = this.#kept;
    const { output, checkpoint } = this.options;
    const places = [
      ...(output === undefined ? [] : ['--output', output]),
      ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint]),
    ];
    const command = ['octavo train', this.file, ...places, '--resume'].join(' ');
    const advice = kept
      ? `stopped; ${this.checkpoint} holds what is done. To go on: ${command}`
      : 'stopped before the first step; there is nothing to go on from';
    process.stderr.write(`train: ${advice}\n`);
    if (this.options.json) {
      console.log(JSON.stringify({ interrupted: true, checkpoint: kept ? this.checkpoint : null }));
    }
    process.exitCode = this.interruption.exitCode;
  }

  #note(text: string): void {
    if (!this.options.quiet) process.stderr.write(`train: ${text}\n`);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function summary({ output, bytes, float, quantized }: Result): string {
  const parts = [
    ...(float.evaluation ? [`float ${score(float.evaluation)}`] : []),
    ...(quantized?.evaluation ? [`int8 ${score(quantized.evaluation)}`] : []),
  ];
  const { count } = quantized?.evaluation ?? float.evaluation ?? { count: 0 };
  const scores = parts.length > 0 ? `; ${parts.join(', ')} of ${grouped(count)} samples` : '';
  return `${output} written, ${grouped(bytes)} bytes${scores}`;
}

/** Accuracy, or the loss where no answer is right or wrong. */
function score({ top1, loss }: Evaluation): string {
  return top1 === undefined ? `loss ${loss.toFixed(4)}` : percent(top1);
}
