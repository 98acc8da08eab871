import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decode } from '../../src/core/safetensors.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { crossEntropy, type Loss } from '../../src/nn/losses.ts';
import { adam, sgd } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { QuantizedModel } from '../../src/quant/quantizeModel.ts';
import { bestWeights, earlyStopping } from '../../src/train/earlyStopping.ts';
import type { FitOptions } from '../../src/train/options.ts';
import { blobs } from '../quant/networks.ts';
import {
  cosine,
  EPOCHS,
  floatSetup,
  momentum,
  newest,
  quantizedSetup,
  run,
  SAMPLES,
  SEED,
  type Setup,
  STEPS,
} from './checkpointRuns.ts';

/** A dataset as users may write it: it knows its epoch alone. */
function plain(data: ReturnType<typeof blobs>): Dataset {
  const { length, batchSize, steps, shape, classes, seed } = data;
  const about = { length, batchSize, steps, shape, classes, seed, epoch: 0 };
  return {
    ...about,
    [Symbol.asyncIterator]() {
      return data.batches(this.epoch++)[Symbol.asyncIterator]();
    },
  };
}

/** Cross-entropy that drops gradients at random, as an op with random numbers may do. */
function dropping(): Loss {
  const { name, evaluate } = crossEntropy();
  return {
    name,
    evaluate(cx, logits, labels) {
      const result = evaluate(cx, logits, labels);
      const gradient = cx.f32(result.gradient);
      const random = cx.random;
      if (random) gradient.set(gradient.map((g) => random.below(2) * g));
      return result;
    },
  };
}

const averaged = () =>
  adam({ learningRate: 0.02, averaging: { decay: 0.9 }, clipNorm: 0.5, weightDecay: 0.01 });

const setups: Record<string, () => Setup> = {
  'averaged weights, clipped gradients, validation': () =>
    floatSetup(averaged(), { validation: blobs(30, SEED + 1), callbacks: [bestWeights()] }),
  'SGD with momentum': () => floatSetup(momentum()),
  'Adam, a schedule, and validation on the training data': () => {
    const setup = floatSetup(cosine());
    return { ...setup, more: { validation: setup.dataset } };
  },
  'best weights and validation': () =>
    floatSetup(cosine(), {
      validation: blobs(30, SEED + 1),
      callbacks: [bestWeights({ monitor: 'validation.top1' })],
    }),
  'early stopping before the last epoch': () =>
    floatSetup(sgd({ learningRate: 0 }), {
      validation: blobs(30, SEED + 1),
      epochs: 6,
      callbacks: [earlyStopping({ monitor: 'accuracy', patience: 2 })],
    }),
  'random numbers in each step': () =>
    floatSetup(momentum(), { loss: dropping(), validation: blobs(30, SEED + 1) }),
  'a dataset without a position': () => {
    const dataset = plain(blobs(SAMPLES, SEED));
    return { ...floatSetup(momentum()), dataset };
  },
  ...Object.fromEntries(
    (Object.keys(methods) as MethodName[]).map((method) => [
      `quantized, ${method}`,
      () => quantizedSetup(method),
    ]),
  ),
};

/** Everything that a run leaves behind, but for the time it took. */
function traces({ model, graph, dataset, optimizer }: Setup, history: readonly object[]) {
  const parameters = parametersOf(graph());
  return {
    weights: parameters.map(({ data }) => data.slice()),
    slots: parameters.map((parameter) => optimizer.memory.slots.get(parameter)),
    updates: optimizer.memory.step,
    epoch: dataset.epoch,
    history: history.map((report) => ({ ...report, seconds: 0 })),
    bundle: model instanceof QuantizedModel ? convert(model).toBytes() : undefined,
  };
}

describe('a run that is resumed from any of its checkpoints ends with the bytes of an unbroken one', () => {
  test.each(Object.keys(setups))('%s', async (name) => {
    const alone = setups[name]!();
    const expected = traces(alone, await run(alone, {}));
    const saved: Uint8Array[] = [];
    const kept = setups[name]!();
    const checkpoint = {
      everySteps: 1,
      save: (bytes: Uint8Array) => void saved.push(bytes.slice()),
    };
    // Checkpoints themselves change nothing.
    expect(traces(kept, await run(kept, { checkpoint }))).toEqual(expected);
    expect(saved.length).toBeGreaterThanOrEqual(2 * STEPS + 2);
    for (const bytes of saved) {
      const resumed = setups[name]!();
      const history = await run(resumed, { resume: bytes });
      expect(traces(resumed, history)).toEqual(expected);
    }
  });

  test('also when it was stopped by a signal at any step', async () => {
    const alone = floatSetup(momentum());
    const expected = traces(alone, await run(alone, {}));
    for (let at = 1; at < EPOCHS * STEPS; at++) {
      const controller = new AbortController();
      let steps = 0;
      const { kept, checkpoint } = newest({ everyEpochs: 100 });
      await run(floatSetup(momentum()), {
        checkpoint,
        signal: controller.signal,
        onStep: () => ++steps === at && controller.abort(),
      });
      expect(steps).toBe(at);
      const resumed = floatSetup(momentum());
      expect(traces(resumed, await run(resumed, { resume: kept.bytes }))).toEqual(expected);
    }
  });

  test('a resumed run can go on for more epochs', async () => {
    const long = floatSetup(momentum());
    const expected = traces(long, await run(long, { epochs: 5 }));
    const { kept, checkpoint } = newest();
    await run(floatSetup(momentum()), { epochs: 2, checkpoint });
    const resumed = floatSetup(momentum());
    const history = await run(resumed, { epochs: 5, resume: kept.bytes });
    expect(traces(resumed, history)).toEqual(expected);
  });

  test('the random numbers of steps follow from the seed', async () => {
    const weights = async (seed: number) => {
      const setup = floatSetup(momentum(), { loss: dropping(), seed });
      return traces(setup, await run(setup, {})).weights;
    };
    const first = await weights(1);
    expect(await weights(1)).toEqual(first);
    expect(await weights(2)).not.toEqual(first);
  });

  test('equal states are equal files, but for the time they tell', async () => {
    const files = async () => {
      const { kept, checkpoint } = newest();
      await run(floatSetup(momentum()), { checkpoint });
      return decode(kept.bytes);
    };
    const [a, b] = [await files(), await files()];
    expect(a.data).toEqual(b.data);
    expect([...a.tensors.keys()].sort()).toContain('model/conv2d/kernel');
  });
});

describe('checkpoints come when they are asked for', () => {
  async function positions(options: Omit<NonNullable<FitOptions['checkpoint']>, 'save'>) {
    const seen: string[] = [];
    const save = (_: Uint8Array, { epoch, step }: { epoch: number; step: number }) =>
      void seen.push(`${epoch}:${step}`);
    await run(floatSetup(momentum()), { checkpoint: { ...options, save } });
    return seen;
  }

  test('after each epoch unless told otherwise', async () => {
    expect(await positions({})).toEqual(['1:0', '2:0', '3:0']);
  });

  test('after every second epoch, and at the end', async () => {
    expect(await positions({ everyEpochs: 2 })).toEqual(['2:0', '3:0']);
  });

  test('after every fourth step of the run, and between epochs', async () => {
    const all = ['0:4', '1:0', '1:3', '2:0', '2:2', '3:0'];
    expect(await positions({ everySteps: 4 })).toEqual(all);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'octavo-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a checkpoint in a file', () => {
  test('is made, resumed, and leaves nothing else behind', async () => {
    const path = join(folder, 'run.safetensors');
    const alone = floatSetup(momentum());
    const expected = traces(alone, await run(alone, {}));
    // None there yet: it starts.
    await run(floatSetup(momentum()), { epochs: 1, checkpoint: { path }, resume: true });
    const resumed = floatSetup(momentum());
    const history = await run(resumed, { checkpoint: { path }, resume: true });
    expect(traces(resumed, history)).toEqual(expected);
    expect(readdirSync(folder)).toEqual(['run.safetensors']);
  });

  test('on a full disk is one sentence, and the old one stays', async () => {
    const path = join(folder, 'full.safetensors');
    await run(floatSetup(momentum()), { epochs: 1, checkpoint: { path } });
    const before = readFileSync(path);
    symlinkSync('/dev/full', `${path}.tmp`);
    await expect(run(floatSetup(momentum()), { checkpoint: { path } })).rejects.toThrow(
      /^fit: expected a place to write a checkpoint at .*full.safetensors, got a full disk$/,
    );
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).not.toContain('full.safetensors.tmp');
  });

  test('where there can be none is one sentence', async () => {
    const path = join(folder, 'no', 'such', 'folder');
    await expect(run(floatSetup(momentum()), { checkpoint: { path } })).rejects.toThrow(
      /^fit: expected a place to write a checkpoint at .*folder, got no such file or folder$/,
    );
    writeFileSync(join(folder, 'file'), '');
    const below = join(folder, 'file', 'run');
    await expect(run(floatSetup(momentum()), { checkpoint: { path: below } })).rejects.toThrow(
      /^fit: expected a place to write a checkpoint at .*run, got a file where a folder should be$/,
    );
  });
});
