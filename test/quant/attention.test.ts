import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { fromArrays, subset } from '../../src/data/fromArrays.ts';
import type { Handle } from '../../src/graph/dispatch.ts';
import { concatenate, layers } from '../../src/nn/layers.ts';
import { residual, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { runLayers } from '../../src/runtime/layers.ts';
import { load } from '../../src/runtime/load.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { verify } from '../../src/runtime/verify.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { moduleOf } from '../helpers/memory.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const SEED = 91;
const [STEPS, FEATURES, CLASSES] = [6, 5, 3];

/** Sequences of noise; class c has a bump in feature c at one random step. */
function bumps(count: number, seed: number) {
  const rng = new Rng(seed);
  const y = Int32Array.from({ length: count }, () => rng.below(CLASSES));
  const x = Float32Array.from({ length: count * STEPS * FEATURES }, () => rng.uniform() - 0.5);
  y.forEach((label, i) => {
    x[(i * STEPS + rng.below(STEPS)) * FEATURES + label]! += 2;
  });
  return fromArrays({ x, y, shape: [STEPS, FEATURES], classes: CLASSES, batchSize: 16, seed });
}

/** Trains in float and quantized, converts, and compares all integers of evaluation with the plan and the interpreter. */
async function mismatches(net: Module, method: MethodName) {
  const data = bumps(96, SEED);
  await fit(net, data, { epochs: 2, optimizer: adam({ learningRate: 0.01 }) });
  const model = quantizeModel(net, { method });
  await fit(model, data, { optimizer: adam({ learningRate: 0.003 }) });
  const { graph, toBytes } = convert(model);
  expect(toBytes().length).toBeGreaterThan(0);
  const fresh = bumps(40, SEED + 1);
  const results = [
    await compareParity(model, graph, fresh, runtime()),
    await compareParity(model, graph, fresh, interpreter),
  ];
  return results.map(({ first, mismatching, layers }) => ({ first, mismatching, layers }));
}

const { layerNormalization, dense, relu, flatten, conv2d, batchNormalization, reshape } = layers;

/** Layer normalization wherever a graph has room for one. */
const nets: Record<string, () => Module[]> = {
  'at the input, of what has no batch statistics': () => [
    layerNormalization(),
    flatten(),
    dense({ units: CLASSES }),
  ],
  'behind dense, and behind relu': () => [
    flatten(),
    dense({ units: 9 }),
    layerNormalization(),
    relu(),
    dense({ units: 8 }),
    relu(),
    layerNormalization({ epsilon: 0.1 }),
    dense({ units: CLASSES }),
  ],
  'behind convolutions, norms and another norm': () => [
    reshape({ targetShape: [STEPS, FEATURES, 1] }),
    conv2d({ filters: 4, kernelSize: 3, padding: 'same' }),
    layerNormalization(),
    conv2d({ filters: 6, kernelSize: 3, padding: 'same' }),
    batchNormalization(),
    layerNormalization(),
    layerNormalization(),
    flatten(),
    dense({ units: CLASSES }),
  ],
  'as output': () => [flatten(), dense({ units: CLASSES }), layerNormalization()],
};

/** The class of a sequence is what the step with the flag holds: feature 0 is the flag, one of 1 to 3 is on in each step. */
function flagged(count: number, seed: number) {
  const rng = new Rng(seed);
  const x = Float32Array.from({ length: count * STEPS * FEATURES }, () => rng.uniform() / 4);
  const y = Int32Array.from({ length: count }, (_, i) => {
    const labels = Array.from({ length: STEPS }, (_, step) => {
      const label = rng.below(CLASSES);
      x[(i * STEPS + step) * FEATURES + 1 + label]! += 1;
      return label;
    });
    const at = rng.below(STEPS);
    x[(i * STEPS + at) * FEATURES]! += 1;
    return labels[at]!;
  });
  return fromArrays({ x, y, shape: [STEPS, FEATURES], classes: CLASSES, batchSize: 16, seed });
}

const UNITS = 12;

/** A block of an encoder (Vaswani et al. 2017, figure 1), its first part with the mask of a decoder or without. */
const block = (causal: boolean) => [
  residual([layers.multiHeadAttention({ heads: 2, keyDimension: 6, causal })]),
  layerNormalization(),
  residual([dense({ units: 2 * UNITS }), layers.gelu(), dense({ units: UNITS })]),
  layerNormalization(),
];

const transformer = (causal: boolean) =>
  sequential(
    [
      dense({ units: UNITS }),
      layers.positionEmbedding(),
      ...block(causal),
      flatten(),
      dense({ units: CLASSES }),
    ],
    { seed: SEED },
  );

/** Latent queries read a sequence, and then it reads them: attention to another length, with values of another size. */
class Reader extends Module {
  narrow = dense({ units: 4 });
  read = layers.multiHeadAttention({ heads: 3, keyDimension: 4, valueDimension: 5, units: 7 });
  back = layers.multiHeadAttention({ heads: 1, keyDimension: 3, useBias: false });

  forward(x: Handle): Handle {
    const few = x.apply('slice', [x], {
      ...{ begin: [0, 0], size: [2, FEATURES], strides: [1, 1] },
    });
    const queries = this.narrow.apply(few);
    const read = this.read.attend(queries, x, x);
    const y = this.back.attend(x, read);
    return dense({ units: CLASSES }).apply(flatten().apply(y));
  }
}

const VOCABULARY = 11;

/** Sequences of tokens; the class is how many tokens 7 there are, 2 or more being one class. */
function tokens(count: number, seed: number) {
  const rng = new Rng(seed);
  const x = Float32Array.from({ length: count * STEPS }, () => {
    return rng.below(5) === 0 ? 7 : rng.below(VOCABULARY);
  });
  const y = Int32Array.from({ length: count }, (_, i) => {
    const found = x.subarray(i * STEPS, (i + 1) * STEPS).filter((token) => token === 7);
    return Math.min(found.length, CLASSES - 1);
  });
  return fromArrays({ x, y, shape: [STEPS], classes: CLASSES, batchSize: 16, seed });
}

const embedding = () =>
  layers.embedding({ inputDimension: VOCABULARY, outputDimension: UNITS, inputShape: [STEPS] });

class Beside extends Module {
  second = dense({ units: 4 });

  forward(x: Handle): Handle {
    return concatenate([relu().apply(x), this.second.apply(x)]);
  }
}

/** An embedding read by an op with a scale of its own, by ops that keep integers, and beside other tensors. */
const readers: Record<string, () => Module[]> = {
  'positions and attention': () => [layers.positionEmbedding(), ...block(false), flatten()],
  'dense layers': () => [flatten(), dense({ units: 12 }), relu()],
  'a relu, and a concat with others': () => [new Beside(), flatten()],
};

describe('embedding', () => {
  test.each(
    (Object.keys(methods) as MethodName[]).flatMap((method) =>
      Object.keys(readers).map((name) => [name, method] as const),
    ),
  )('read by %s, %s: 0 mismatches', async (name, method) => {
    const net = sequential([embedding(), ...readers[name]!(), dense({ units: CLASSES })], {
      seed: SEED,
    });
    const train = tokens(256, SEED);
    await fit(net, train, { epochs: 12, optimizer: adam({ learningRate: 0.01 }) });
    const model = quantizeModel(net, { method });
    await fit(model, train, { epochs: 2, optimizer: adam({ learningRate: 0.002 }) });
    const fresh = tokens(96, SEED + 1);
    // The most frequent class is less than half of the samples.
    expect((await evaluate(model, fresh)).top1).toBeGreaterThan(0.7);
    const { graph, toBytes } = convert(model);
    const plan = makePlan(graph, moduleOf('infer'), { batch: 16 });
    let compared = 0;
    await visitIntegers(model, fresh, ({ x }, integers, names) => {
      const indices = Int32Array.from(x);
      for (const values of [runLayers(plan, indices), interpret(graph, indices, 16)]) {
        for (const layer of names) {
          expect(values.get(layer), layer).toEqual(integers(layer));
          compared += integers(layer).length;
        }
      }
    });
    expect(compared).toBeGreaterThan(2 * 96 * STEPS * UNITS);
    expect(await verify(toBytes(), { reference: true })).toMatchObject({
      ...{ vectors: 1, mismatching: 0, reference: { mismatching: 0 } },
    });
    const session = await load(toBytes());
    expect(session.inputs[0]).toMatchObject({ dtype: 'i32', shape: [1, STEPS] });
    expect(() => session.run({ input: new Float32Array(STEPS) })).toThrow(
      /^run: input "input" expects Int32Array, got/,
    );
  });

  test('an index that no row has stops training', async () => {
    const net = sequential([embedding(), flatten(), dense({ units: CLASSES })]);
    const x = Float32Array.of(1, 2, 3, 4, 5, VOCABULARY);
    const wrong = fromArrays({ x, y: [0], shape: [STEPS], classes: CLASSES });
    const training = fit(net, wrong, { optimizer: adam({ learningRate: 0.01 }) });
    await expect(training).rejects.toThrow(
      /embedding: indices must be an integer in \[0, 10\], got 11$/,
    );
  });

  test('indices that something else reads, or that are computed, are refused', () => {
    class Both extends Module {
      rows = layers.embedding({ inputDimension: 3, outputDimension: 2 });
      forward(x: Handle): Handle {
        return concatenate([flatten().apply(this.rows.apply(x)), relu().apply(x)]);
      }
    }
    const refusal = /the indices of embedding must be an input that nothing else reads, got the/;
    const both = new Both();
    both.build([4]);
    expect(() => quantizeModel(both)).toThrow(refusal);
    const computed = sequential([
      relu(),
      layers.embedding({ inputDimension: 3, outputDimension: 2 }),
    ]);
    computed.build([4]);
    expect(() => quantizeModel(computed)).toThrow(refusal);
  });
});

describe('attention', () => {
  test.each([false, true])('a transformer learns, causal %s; 0 mismatches', async (causal) => {
    const net = transformer(causal);
    const train = flagged(600, SEED);
    const optimizer = adam({ learningRate: 0.005 });
    await fit(net, train, { epochs: 12, optimizer });
    const fresh = flagged(300, SEED + 1);
    const float = await evaluate(net, fresh);
    // Chance is 1/3, and what is most frequent in a sequence is right about half of the time.
    expect(float.top1).toBeGreaterThan(0.9);
    const model = quantizeModel(net);
    await fit(model, train, { epochs: 2, optimizer: adam({ learningRate: 0.001 }) });
    const quantized = await evaluate(model, fresh);
    expect(quantized.top1).toBeGreaterThan(float.top1! - 0.05);
    const { graph, toBytes } = convert(model);
    for (const run of [runtime(), interpreter]) {
      const { first, mismatching, compared } = await compareParity(model, graph, fresh, run);
      expect(first).toBeUndefined();
      expect(mismatching).toBe(0);
      expect(compared).toBeGreaterThan(300 * STEPS * UNITS * 20);
    }
    const session = await load(toBytes(), { batch: 16 });
    await visitIntegers(model, subset(fresh, 0, 32), ({ x }, integers, names) => {
      const { output } = session.run({ input: x as Float32Array });
      expect(output).toEqual(integers(names.at(-1)!));
    });
  });

  test.each(Object.keys(methods) as MethodName[])('to another sequence, %s', async (method) => {
    for (const { first, mismatching } of await mismatches(new Reader(), method)) {
      expect(first).toBeUndefined();
      expect(mismatching).toBe(0);
    }
  });
});

describe.each(Object.keys(methods) as MethodName[])('%s', (method) => {
  test.each(Object.keys(nets))('layer normalization %s: 0 mismatches', async (name) => {
    const net = sequential(nets[name]!(), { seed: SEED });
    for (const { first, mismatching } of await mismatches(net, method)) {
      expect(first).toBeUndefined();
      expect(mismatching).toBe(0);
    }
  });
});
