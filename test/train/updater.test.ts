import { describe, expect, test } from 'vitest';
import { type Graph, parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { adamW, type Optimizer, rmsprop, sgd } from '../../src/optim/optimizer.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import type { FitOptions } from '../../src/train/options.ts';
import { decodeState } from '../../src/train/state.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 517;
const SAMPLES = 48;

/** Half a unit in the last place of 1. */
const U = 2 ** -24;

const { conv2d, batchNormalization, relu, globalAveragePool2d, dense } = layers;

const network = () =>
  sequential(
    [
      conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }),
      batchNormalization(),
      relu(),
      globalAveragePool2d(),
      dense({ units: 3 }),
    ],
    { seed: SEED },
  );

type Weights = Record<string, number[]>;

const weightsOf = (graph: Graph): Weights =>
  Object.fromEntries(parametersOf(graph).map(({ name, data }) => [name, [...data]]));

/** Weights before the first step and after each one; `after` sees the graph when training is over. */
async function trajectory(optimizer: Optimizer, options: FitOptions = {}) {
  const model = network();
  const graph = model.build(SAMPLE);
  const weights = [weightsOf(graph)];
  const epochs = 2;
  await fit(model, blobs(SAMPLES, SEED), {
    epochs,
    optimizer,
    checkpoint: {
      // The checkpoint between epochs is that of the last step again.
      save: (_, { step }) => void (step > 0 && weights.push(weightsOf(graph))),
      everySteps: 1,
    },
    ...options,
  });
  return { model, graph, weights };
}

/** Change of all trainable weights in the first step, in one list: −gradient for SGD of rate 1. */
async function firstStep(optimizer: Optimizer): Promise<Weights> {
  const { graph, weights } = await trajectory(optimizer, { epochs: 1 });
  const trainable = parametersOf(graph).filter((parameter) => parameter.trainable);
  const change = (name: string) =>
    weights[1]![name]!.map((w, i) => Math.fround(w - weights[0]![name]![i]!));
  return Object.fromEntries(trainable.map(({ name }) => [name, change(name)]));
}

const norm = (weights: Weights) => Math.hypot(...Object.values(weights).flat());

/** The largest weight before a first step or after it, given its change: half a unit in the last place of it is U as large at most. */
async function largestWeight(...changes: Weights[]): Promise<number> {
  const { weights } = await trajectory(sgd(), { epochs: 0 });
  const sizes = Object.entries(weights[0]!).flatMap(([name, before]) =>
    before.flatMap((w, i) => [w, ...changes.map((change) => w + (change[name]?.[i] ?? 0))]),
  );
  return Math.max(...sizes.map(Math.abs));
}

const countOf = (weights: Weights) => Object.values(weights).flat().length;

describe('clipNorm', () => {
  test('scales the gradients of all parameters together to the norm', async () => {
    const plain = await firstStep(sgd({ learningRate: 1 }));
    const limit = norm(plain) / 3;
    const clipped = await firstStep(sgd({ learningRate: 1, clipNorm: limit }));
    // A change is that of a weight which was rounded; the norm of all of them is off by as much for each, and so is the factor.
    const rounding = U * (await largestWeight(plain, clipped));
    const off = (Math.sqrt(countOf(plain)) * rounding) / norm(plain);
    for (const [name, change] of Object.entries(plain)) {
      change.forEach((v, i) => {
        // Besides those of both weights: the change is rounded on both sides, the factor, and its product with the gradient.
        const bound = (1 + 1 / 3) * rounding + (4 * U + off) * Math.abs(v / 3);
        expect(Math.abs(clipped[name]![i]! - v / 3), `${name}[${i}]`).toBeLessThanOrEqual(bound);
      });
    }
    // The gradient has norm(plain) but for `off`, and the roundings of the clipped weights are of a third of it.
    expect(Math.abs(norm(clipped) / limit - 1)).toBeLessThan(4 * off + 4 * U);
  });

  test('leaves shorter gradients as they are', async () => {
    const plain = await trajectory(sgd({ learningRate: 0.1 }));
    const clipped = await trajectory(sgd({ learningRate: 0.1, clipNorm: 1e6 }));
    expect(clipped.weights).toEqual(plain.weights);
  });
});

describe('groups', () => {
  test('frozen parameters keep their bytes, the others train as ever', async () => {
    const groups = [{ match: /^conv/, frozen: true }];
    const { weights } = await trajectory(sgd({ learningRate: 0.1, groups }));
    const names = Object.keys(weights[0]!);
    const kernel = names.find((name) => name.startsWith('conv'))!;
    const other = names.find((name) => name.startsWith('dense') && name.includes('kernel'))!;
    expect(weights.at(-1)![kernel]).toEqual(weights[0]![kernel]);
    expect(weights.at(-1)![other]).not.toEqual(weights[0]![other]);
    const free = await firstStep(sgd({ learningRate: 0.1 }));
    const bound = await firstStep(sgd({ learningRate: 0.1, groups }));
    expect(bound[other]).toEqual(free[other]);
  });

  test('a frozen parameter does not count in clipNorm', async () => {
    const frozen = [{ match: /^(conv|batch)/, frozen: true }];
    const change = await firstStep(sgd({ learningRate: 1, clipNorm: 1e-2, groups: frozen }));
    const rounding = U * (await largestWeight(change));
    // Each weight is rounded; factor, product and change are too.
    const bound = (Math.sqrt(countOf(change)) * rounding) / 1e-2 + 3 * U;
    expect(Math.abs(norm(change) / 1e-2 - 1)).toBeLessThan(bound);
  });

  test('the first group that matches multiplies the rate', async () => {
    const groups = [
      { match: (name: string) => name.startsWith('dense'), learningRateMultiplier: 0.5 },
      { match: /./g, learningRateMultiplier: 2 },
    ];
    const plain = await firstStep(sgd({ learningRate: 0.25 }));
    const grouped = await firstStep(sgd({ learningRate: 0.25, groups }));
    const rounding = U * (await largestWeight(plain, grouped));
    for (const [name, change] of Object.entries(plain)) {
      const factor = name.startsWith('dense') ? 0.5 : 2;
      change.forEach((v, i) => {
        // Products with powers of 2 are exact: both weights are rounded, and both changes.
        const bound = (1 + factor) * rounding + 2 * U * Math.abs(factor * v);
        const error = Math.abs(grouped[name]![i]! - factor * v);
        expect(error, `${name}[${i}]`).toBeLessThanOrEqual(bound);
      });
    }
  });

  test('weightDecay of a group replaces the optimizer’s, of kernels only', async () => {
    const groups = [{ match: /^dense/, weightDecay: 0.5 }];
    const with0 = await firstStep(adamW({ learningRate: 0.125, weightDecay: 0 }));
    const grouped = await firstStep(adamW({ learningRate: 0.125, weightDecay: 0, groups }));
    const { weights } = await trajectory(sgd(), { epochs: 0 });
    const rounding = U * (await largestWeight(with0, grouped));
    for (const [name, change] of Object.entries(with0)) {
      const decay = /^dense.*kernel/.test(name) ? 0.5 : 0;
      change.forEach((v, i) => {
        const want = v - 0.125 * decay * weights[0]![name]![i]!;
        // Products with powers of 2 are exact: both weights and changes are rounded, and the sum of step and decay.
        const bound = 2 * rounding + U * (Math.abs(v) + 2 * Math.abs(want));
        const error = Math.abs(grouped[name]![i]! - want);
        expect(error, `${name}[${i}]`).toBeLessThanOrEqual(bound);
      });
    }
  });

  test('a group that matches nothing is refused', async () => {
    const groups = [{ match: /dense/ }, { match: /moving/ }];
    await expect(trajectory(sgd({ groups }))).rejects.toThrow(
      /^fit: groups\[1\] must match a trainable parameter, got none of .*dense.*$/,
    );
  });
});

describe('averaging', () => {
  const decay = 0.5;
  const options = { learningRate: 0.1, momentum: 0.9 };

  /** The published rule in float64 over the weights that plain training passes. */
  function averages(steps: readonly Weights[], name: string): number[] {
    return steps.slice(1).reduce((average, weights, i) => {
      const d = Math.min(decay, (2 + i) / (11 + i));
      return average.map((a, j) => d * a + (1 - d) * weights[name]![j]!);
    }, steps[0]![name]!);
  }

  test('the model gets the averages of what plain training passes', async () => {
    const plain = await trajectory(sgd(options));
    const averaged = await trajectory(sgd({ ...options, averaging: { decay } }));
    const largest = Math.max(
      ...plain.weights.flatMap((weights) => Object.values(weights).flat()).map(Math.abs),
    );
    // a + rate·(w − a) of numbers up to `largest`: difference, rate and product are rounded, each within rate·2·largest < 2·largest,
    // and the sum. Half of the error stays at each update, so that all of them together are twice one.
    const bound = 2 * (3 * 2 + 1) * U * largest;
    for (const { name, data, trainable } of parametersOf(averaged.graph)) {
      const want = trainable ? averages(plain.weights, name) : plain.weights.at(-1)![name]!;
      want.forEach((v, i) => {
        expect(Math.abs(data[i]! - v), `${name}[${i}]`).toBeLessThanOrEqual(trainable ? bound : 0);
      });
    }
  });

  test('a second fit goes on from the trained weights, not the averages', async () => {
    const optimizer = sgd({ ...options, averaging: { decay } });
    const { model, graph } = await trajectory(optimizer, { epochs: 1 });
    const dataset = blobs(SAMPLES, SEED);
    dataset.epoch = 1;
    await fit(model, dataset, { optimizer });
    const unbroken = await trajectory(sgd({ ...options, averaging: { decay } }));
    expect(weightsOf(graph)).toEqual(weightsOf(unbroken.graph));
  });

  test('validation sees the averages', async () => {
    const validation = blobs(SAMPLES, SEED + 1);
    const reports: (number | undefined)[] = [];
    const optimizer = rmsprop({ averaging: { decay: 0.9 } });
    const { model } = await trajectory(optimizer, {
      validation,
      onEpoch: (report) => void reports.push(report.validation?.loss),
    });
    expect((await evaluate(model, validation)).loss).toBe(reports.at(-1));
  });

  test('a checkpoint has both, and resumes to the byte', async () => {
    const saved: Uint8Array<ArrayBuffer>[] = [];
    const make = () => sgd({ ...options, averaging: { decay } });
    const checkpoint = { save: (bytes: Uint8Array<ArrayBuffer>) => void saved.push(bytes) };
    const unbroken = await trajectory(make(), { checkpoint: { ...checkpoint, everySteps: 1 } });
    const { tensors } = decodeState(saved[2]!, 'test');
    const slots = [...tensors.keys()].filter((name) => name.startsWith('optimizer/1/'));
    expect(slots.length).toBeGreaterThan(0);
    const model = network();
    const graph = model.build(SAMPLE);
    await fit(model, blobs(SAMPLES, SEED), { epochs: 2, optimizer: make(), resume: saved[2]! });
    expect(weightsOf(graph)).toEqual(weightsOf(unbroken.graph));
  });
});
