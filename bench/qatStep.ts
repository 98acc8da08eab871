import { Device } from '../src/autograd/device.ts';
import { Rng } from '../src/core/rng.ts';
import type { Batch } from '../src/data/dataset.ts';
import { fromArrays } from '../src/data/index.ts';
import { losses } from '../src/nn/losses.ts';
import { optimizers } from '../src/optim/optimizer.ts';
import { quantizeModel } from '../src/quant/quantizeModel.ts';
import { type Model, resolve } from '../src/train/resolve.ts';
import { Trainer } from '../src/train/trainer.ts';
import { digits } from '../src/zoo/digits.ts';
import { cpuName, hostName, type Report, type Row, rounded, timeRow } from './harness.ts';

const BATCH = 32;
const WARM_UP = 30;
const SEED = 1;

/** Digits-like images: the time of a step does not depend on what they show. */
function images() {
  const rng = new Rng(SEED);
  const x = Uint8Array.from({ length: BATCH * 784 }, () => rng.below(256));
  const y = Int32Array.from({ length: BATCH }, () => rng.below(10));
  const preprocessing = { mean: [0.1307], std: [0.3081] };
  return fromArrays({ x, y, shape: [28, 28, 1], classes: 10, batchSize: BATCH, preprocessing });
}

/** A training run whose steps can be timed one at a time, with the time of each kernel beside it. */
class Timed {
  readonly times: number[] = [];
  readonly kernels = new Map<string, number>();
  profiling = false;
  #index = 0;

  constructor(
    readonly name: string,
    readonly trainer: Trainer,
    device: Device,
  ) {
    const table = device.kernels as unknown as Record<string, (...args: number[]) => unknown>;
    for (const [kernel, call] of Object.entries(table)) {
      if (typeof call !== 'function') continue;
      table[kernel] = (...args) => {
        if (!this.profiling) return call(...args);
        const start = performance.now();
        const result = call(...args);
        this.kernels.set(kernel, (this.kernels.get(kernel) ?? 0) + performance.now() - start);
        return result;
      };
    }
  }

  step(batch: Batch): number {
    const start = performance.now();
    this.trainer.step(batch, this.#index++);
    return performance.now() - start;
  }
}

/** Milliseconds of a QAT step against a float step on the quickstart network, and where each goes. */
export async function run({ rounds }: { rounds: number }): Promise<Report> {
  const dataset = images();
  const net = digits();
  net.build();
  const qat = quantizeModel(net, { calibrationBatches: 1 });
  await qat.prepare(dataset);
  const runs = await Promise.all([timed('float', net), timed('qat', qat)]);
  let batch: Batch | undefined;
  for await (const first of dataset) batch = first;

  for (let i = 0; i < WARM_UP; i++) for (const timed of runs) timed.step(batch!);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < runs.length; turn++) {
      const timed = runs[(turn + round) % runs.length]!;
      timed.times.push(timed.step(batch!));
    }
  }
  const rows = runs.map((timed) => stepRow(timed, runs[0]!));
  for (const timed of runs) rows.push(...profile(timed, batch!));
  return { suite: 'qat-step', host: hostName(), cpu: cpuName(), rows };

  async function timed(name: string, model: Model): Promise<Timed> {
    const optimizer = optimizers.sgd({ learningRate: 0, momentum: 0.9 });
    const resolved = resolve('bench', model, dataset);
    const device = await Device.create();
    const trainer = new Trainer(device, resolved, losses.crossEntropy(), optimizer, 1);
    return new Timed(name, trainer, device);
  }
}

function stepRow({ name, times }: Timed, reference: Timed): Row {
  const row = timeRow(`${name} step, batch ${BATCH}`, 'ms', times);
  if (name === reference.name) return row;
  const ratio = rounded(Math.min(...times) / Math.min(...reference.times));
  return { ...row, ratio, against: 'float step' };
}

const PROFILED = 20;

/** Mean milliseconds of each kernel in a step, dearest first; the rest is JavaScript and the clock itself. */
function profile(timed: Timed, batch: Batch): Row[] {
  timed.profiling = true;
  let total = 0;
  for (let i = 0; i < PROFILED; i++) total += timed.step(batch);
  timed.profiling = false;
  const spent = [...timed.kernels.values()].reduce((sum, ms) => sum + ms, 0);
  const parts = [...timed.kernels, ['outside kernels', total - spent] as const];
  return parts
    .map(([kernel, ms]) => ({ kernel, ms: ms / PROFILED }))
    .sort((a, b) => b.ms - a.ms)
    .map(({ kernel, ms }) => ({
      case: `${timed.name}: ${kernel}`,
      unit: 'ms',
      best: rounded(ms),
      median: rounded(ms),
      spread: 0,
      n: PROFILED,
    }));
}
