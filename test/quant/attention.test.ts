import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
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

describe.each(Object.keys(methods) as MethodName[])('%s', (method) => {
  test.each(Object.keys(nets))('layer normalization %s: 0 mismatches', async (name) => {
    const net = sequential(nets[name]!(), { seed: SEED });
    for (const { first, mismatching } of await mismatches(net, method)) {
      expect(first).toBeUndefined();
      expect(mismatching).toBe(0);
    }
  });
});
