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
import { decode, encode } from '../../src/core/safetensors.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { type Graph, parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { crossEntropy, type Loss } from '../../src/nn/losses.ts';
import { sequential } from '../../src/nn/models.ts';
import { adam, type Optimizer, sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { convert } from '../../src/quant/convert.ts';
import { QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { bestWeights, earlyStopping } from '../../src/train/earlyStopping.ts';
import { fit } from '../../src/train/fit.ts';
import type { FitOptions } from '../../src/train/options.ts';
import { decodeState, encodeState } from '../../src/train/state.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 131;
const EPOCHS = 3;
/** 70 samples in batches of 16: the last batch of an epoch is short. */
const SAMPLES = 70;
const STEPS = 5;
const { conv2d, batchNormalization, relu, globalAveragePool2d, dense } = layers;

function network(units = 3) {
  return sequential(
    [
      conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      relu(),
      globalAveragePool2d(),
      dense({ units }),
    ],
    { seed: SEED },
  );
}

/** All that a run is made of, new each time: what another process would have. */
interface Setup {
  readonly model: ReturnType<typeof network> | QuantizedModel;
  readonly graph: () => Graph;
  readonly dataset: Dataset;
  readonly optimizer: Optimizer;
  readonly more?: FitOptions;
}

const momentum = () => sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 1e-3 });
const cosine = () => adam({ learningRate: schedules.cosine({ learningRate: 0.02, warmup: 4 }) });

function floatSetup(optimizer: Optimizer, more: FitOptions = {}): Setup {
  const model = network();
  const graph = () => model.build(SAMPLE);
  return { model, graph, dataset: blobs(SAMPLES, SEED), optimizer, more };
}

function quantizedSetup(method: 'lsq' | 'movingAverage'): Setup {
  const model = quantizeModel(network().build(SAMPLE), { method });
  return { model, graph: () => model.graph, dataset: blobs(SAMPLES, SEED), optimizer: cosine() };
}

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
  'quantized, learned ranges': () => quantizedSetup('lsq'),
  'quantized, moving averages': () => quantizedSetup('movingAverage'),
};

function run({ model, dataset, optimizer, more }: Setup, options: FitOptions) {
  return fit(model, dataset, { epochs: EPOCHS, optimizer, seed: SEED, ...more, ...options });
}

/** Takes the checkpoints of a run and keeps the newest. */
function newest(more: Omit<NonNullable<FitOptions['checkpoint']>, 'save'> = {}) {
  const kept = { bytes: new Uint8Array() };
  const save = (bytes: Uint8Array<ArrayBuffer>) => {
    kept.bytes = bytes;
  };
  return { kept, checkpoint: { ...more, save } };
}

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

describe('a checkpoint that is not of this run is refused, and nothing is changed', async () => {
  const { kept, checkpoint } = newest();
  await run(floatSetup(momentum()), { epochs: 1, checkpoint });
  const good = kept.bytes;
  const { tensors, metadata } = decode(good);

  async function refused(bytes: Uint8Array, message: RegExp, setup = floatSetup(momentum())) {
    const before = parametersOf(setup.graph()).map(({ data }) => data.slice());
    await expect(run(setup, { resume: bytes })).rejects.toThrow(message);
    expect(parametersOf(setup.graph()).map(({ data }) => data)).toEqual(before);
    expect([setup.dataset.epoch, setup.optimizer.memory.step]).toEqual([0, 0]);
  }

  test('cut off anywhere', async () => {
    const message = /^fit: resume: (the file is truncated|not a safetensors file): .*, got .*$/;
    for (let length = 0; length < good.length; length += 97) {
      await refused(good.subarray(0, length), message);
    }
    await refused(good.subarray(0, good.length - 1), message);
  });

  test('with any bit of its data turned', async () => {
    const { data } = decode(good);
    const start = good.length - data.length;
    for (let at = start; at < good.length; at += 61) {
      const bad = good.slice();
      bad[at]! ^= 1 << (at % 8);
      await refused(bad, /^fit: resume: checksum [0-9a-f]{8} of its data, got [0-9a-f]{8}$/);
    }
  });

  test('with a number of its state changed', async () => {
    const state = metadata['state']!.replace('"epoch":1', '"epoch":0');
    const bad = encode([...tensors.values()], { ...metadata, state });
    await refused(bad, /^fit: resume: checksum [0-9a-f]{8} of its data, got [0-9a-f]{8}$/);
  });

  test('with parts missing under a right checksum', () => {
    const { tensors: _, ...progress } = decodeState(good, 'test');
    const { callbacks, history, position, ...rest } = progress;
    const state = (parts: object) => encodeState({ ...parts, tensors: new Map() } as never);
    const cases: [object, RegExp][] = [
      [{}, /^test: fingerprint must be a JSON object, got undefined$/],
      [rest, /^test: position must be a JSON object, got undefined$/],
      [{ ...progress, position: { epoch: -1, step: 0 } }, /^test: epoch must be .* >= 0, got -1$/],
      [{ ...progress, position: { epoch: 0 } }, /^test: step must be .* >= 0, got undefined$/],
      [{ ...progress, sums: { loss: null } }, /^test: loss must be a finite number .*, got null$/],
      [{ ...rest, position }, /^test: lists of reports and callbacks, got others$/],
    ];
    for (const [parts, message] of cases) {
      expect(() => decodeState(state(parts), 'test')).toThrow(message);
    }
  });

  test('another safetensors file', async () => {
    const other = encode([...tensors.values()]);
    await refused(other, /^fit: resume: a checkpoint \(octavo-checkpoint-1\), got none$/);
  });

  test('of another model', async () => {
    const model = network(4);
    const setup = { ...floatSetup(momentum()), model, graph: () => model.build(SAMPLE) };
    const message = /^fit: resume: a checkpoint of this model \(float, .*\), got float, 5 ops, .*$/;
    await refused(good, message, setup);
  });

  test('of the float model for the quantized one', async () => {
    const message = /^fit: resume: a checkpoint of this model \(quantized, .*\), got float, .*$/;
    await refused(good, message, { ...quantizedSetup('lsq'), optimizer: momentum() });
  });

  test('of another optimizer', async () => {
    const message = /^fit: resume: a checkpoint of this optimizer \(adam .*\), got sgd .*$/;
    await refused(good, message, floatSetup(cosine()));
  });

  test('of other data', async () => {
    const message = /^fit: resume: a checkpoint of this data \(.*seed 132.*\), got .*seed 131.*$/;
    await refused(good, message, { ...floatSetup(momentum()), dataset: blobs(SAMPLES, SEED + 1) });
    const fewer = { ...floatSetup(momentum()), dataset: blobs(SAMPLES - 1, SEED) };
    await refused(good, /^fit: resume: a checkpoint of this data \(69 .*\), got 70 .*$/, fewer);
  });

  test('of another seed', async () => {
    const message = /^fit: resume: a checkpoint of this seed \(5\), got 131$/;
    await refused(good, message, floatSetup(momentum(), { seed: 5 }));
  });

  test('of more epochs than the run has', async () => {
    const message = /^fit: resume: a position in a run of 0 epochs, got 1$/;
    await refused(good, message, floatSetup(momentum(), { epochs: 0 }));
  });

  test('whole, it decodes to what was saved', () => {
    const { position, history, stopped } = decodeState(good, 'test');
    expect([position, history.length, stopped]).toEqual([{ epoch: 1, step: 0 }, 1, false]);
  });
});

describe('mistakes', () => {
  test.each<[string, FitOptions, RegExp]>([
    ['no place', { checkpoint: {} }, /^fit: checkpoint: a path, or a function save, got none$/],
    [
      'a number as path',
      { checkpoint: { path: 3 as never } },
      /^fit: checkpoint: path must be the name of a file, got 3$/,
    ],
    [
      'a path as save',
      { checkpoint: { save: 'x' as never } },
      /^fit: checkpoint: save must be a function, got "x"$/,
    ],
    [
      'never',
      { checkpoint: { path: 'x', everySteps: 0 } },
      /^fit: checkpoint: everySteps must be an integer >= 1, got 0$/,
    ],
    [
      'a typo',
      { checkpoint: { file: 'x' } as never },
      /^fit: checkpoint: options are path, .*, got file$/,
    ],
    [
      'resume from nowhere',
      { resume: true },
      /^fit: resume: true needs checkpoint.path, got none$/,
    ],
    [
      'resume from a name',
      { resume: 'x' as never },
      /^fit: resume must be bytes or true, got "x"$/,
    ],
  ])('%s', async (_, options, message) => {
    await expect(run(floatSetup(momentum()), options)).rejects.toThrow(message);
  });
});
