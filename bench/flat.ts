import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Device } from '../src/autograd/device.ts';
import { Rng } from '../src/core/rng.ts';
import { sizeOf } from '../src/core/shape.ts';
import type { Batch } from '../src/data/dataset.ts';
import { input } from '../src/graph/trace.ts';
import { layers } from '../src/nn/layers.ts';
import { losses } from '../src/nn/losses.ts';
import { model } from '../src/nn/models.ts';
import type { Module } from '../src/nn/module.ts';
import { optimizers } from '../src/optim/optimizer.ts';
import { quantizeModel } from '../src/quant/quantizeModel.ts';
import { resolve } from '../src/train/resolve.ts';
import { Trainer } from '../src/train/trainer.ts';
import { resnet8 } from '../src/zoo/tiny.ts';
import { cpuName, hostName, type Report, type Row, rounded } from './harness.ts';

/** Small, so that many steps pass: what a step keeps does not depend on it. */
const BATCH = 4;
const SEED = 1;
const STEPS = 10_000;
/** Readings of each run, evenly: V8 collects feedback and code in the first hundreds of steps, not after a tenth of them. */
const READINGS = 10;

const MIB = 2 ** 20;

interface Run {
  readonly name: string;
  readonly net: () => Module;
  readonly shape: readonly number[];
  readonly quantized?: true;
}

const runs: readonly Run[] = [
  { name: 'MLP', net: mlp, shape: [784] },
  { name: 'MLP, quantized', net: mlp, shape: [784], quantized: true },
  { name: 'ResNet-8', net: () => resnet8(), shape: [32, 32, 3] },
  { name: 'ResNet-8, quantized', net: () => resnet8(), shape: [32, 32, 3], quantized: true },
];

function mlp(): Module {
  const x = input([784]);
  const hidden = layers.relu().apply(layers.dense({ units: 512 }).apply(x));
  const deep = layers.relu().apply(layers.dense({ units: 512 }).apply(hidden));
  const outputs = layers.dense({ units: 10 }).apply(deep);
  return model({ inputs: x, outputs }, { seed: SEED });
}

/**
 * npm run bench -- flat: memory over 10,000 steps of training (`--rounds` gives another number). Of each run the size of the wasm
 * memory and of the JavaScript heap after a collection, early and late; a ratio is late over early.
 */
export async function run({ rounds, only }: { rounds: number; only: string }): Promise<Report> {
  // 60 is what rounds are when nobody says.
  const steps = rounds === 60 ? STEPS : rounds;
  const rows: Row[] = [];
  for (const one of runs.filter(({ name }) => name.includes(only))) {
    rows.push(...rowsOf(one.name, await readings(one, steps), steps));
  }
  return { suite: 'flat', host: hostName(), cpu: cpuName(), rows };
}

interface Reading {
  readonly wasm: number;
  readonly heap: number;
}

async function readings({ net, shape, quantized }: Run, steps: number): Promise<Reading[]> {
  const data = repeated(shape);
  const module = net();
  module.build(shape);
  const trained = quantized ? quantizeModel(module, { calibrationBatches: 1 }) : module;
  if ('prepare' in trained) await trained.prepare(data);
  const device = await Device.create();
  const optimizer = optimizers.sgd({ learningRate: 0.001, momentum: 0.9 });
  const resolved = resolve('bench', trained, data);
  const trainer = new Trainer(device, resolved, losses.crossEntropy(), optimizer, steps);
  const collect = collector();
  const seen: Reading[] = [];
  for (let step = 1; step <= steps; step++) {
    trainer.step(data.batch, step - 1);
    if (step % Math.ceil(steps / READINGS) > 0) continue;
    collect();
    seen.push({ wasm: device.bytes / MIB, heap: process.memoryUsage().heapUsed / MIB });
  }
  return seen;
}

/** One batch for ever. */
function repeated(shape: readonly number[]) {
  const rng = new Rng(SEED);
  const x = Float32Array.from({ length: BATCH * sizeOf(shape) }, () => 2 * rng.uniform() - 1);
  const y = Int32Array.from({ length: BATCH }, (_, i) => i);
  const batch: Batch = { x, y, size: BATCH };
  const steps = 1;
  return {
    ...{ batch, shape, steps, classes: 10, seed: SEED, epoch: 0, batchSize: BATCH, length: BATCH },
    async *[Symbol.asyncIterator]() {
      yield batch;
    },
  };
}

/** The garbage collector, which Node gives only to who asks for it by name. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function rowsOf(name: string, seen: readonly Reading[], steps: number): Row[] {
  return (['wasm', 'heap'] as const).map((what) => {
    const values = seen.map((reading) => reading[what]);
    const [early, late] = [values[0]!, values.at(-1)!];
    const spread = (Math.max(...values) - Math.min(...values)) / late;
    const label = what === 'wasm' ? 'wasm memory' : 'heap';
    return {
      ...{ case: `${name}: ${label} after ${steps} steps`, unit: 'MiB', n: values.length },
      ...{ best: rounded(Math.min(...values)), median: rounded(late), spread: rounded(spread) },
      ...{ ratio: rounded(late / early), against: `after ${Math.ceil(steps / READINGS)} steps` },
    };
  });
}
