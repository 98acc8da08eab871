import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { type ArrayDataset, fromArrays } from '../../src/data/fromArrays.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { load } from '../../src/runtime/load.ts';
import { verify } from '../../src/runtime/verify.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const { bidirectional, dense, flatten, gru, lstm, relu } = layers;

const SEED = 81;
const STEPS = 8;

/**
 * The adding problem (Hochreiter and Schmidhuber 1997) in two classes: whether two marked numbers of a sequence have a sum above 0. x
 * [8,2]: a number in [−1, 1), and 1 where it is marked.
 */
function adding(count: number, seed: number): ArrayDataset {
  const rng = new Rng(seed);
  const x = new Float32Array(count * STEPS * 2);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const marked = [rng.below(STEPS / 2), STEPS / 2 + rng.below(STEPS / 2)];
    let sum = 0;
    for (let t = 0; t < STEPS; t++) {
      const value = 2 * rng.uniform() - 1;
      const at = 2 * (i * STEPS + t);
      x.set([value, marked.includes(t) ? 1 : 0], at);
      if (marked.includes(t)) sum += value;
    }
    y[i] = sum > 0 ? 1 : 0;
  }
  return fromArrays({ x, y, shape: [STEPS, 2], classes: 2, batchSize: 32, seed });
}

const networks: Record<string, (seed: number) => Module> = {
  lstm: (seed) => sequential([lstm({ units: 9 }), dense({ units: 2 })], { seed }),
  gru: (seed) => sequential([gru({ units: 5, goBackwards: true }), dense({ units: 2 })], { seed }),
  'one over another': (seed) => {
    const first = lstm({ units: 4, returnSequences: true });
    return sequential([first, gru({ units: 7, useBias: false }), dense({ units: 2 })], { seed });
  },
  'both directions, clamped': (seed) => {
    const layer = gru({ units: 3, returnSequences: true });
    const members = [bidirectional({ layer }), relu(), lstm({ units: 4, returnSequences: true })];
    return sequential([...members, relu(), flatten(), dense({ units: 2 })], { seed });
  },
};

describe.each(Object.keys(methods) as MethodName[])('%s', (method) => {
  test.each(Object.keys(networks))('%s: evaluation is the shipped model', async (name) => {
    const net = networks[name]!(SEED);
    net.build([STEPS, 2]);
    const quantized = quantizeModel(net, { method });
    await fit(quantized, adding(64, SEED), { optimizer: adam({ learningRate: 0.01 }) });
    const converted = convert(quantized);
    validateGraph(converted.graph);
    const data = adding(40, SEED + 1);
    const parity = await compareParity(quantized, converted.graph, data, runtime());
    expect(parity.first).toBeUndefined();
    expect(parity.mismatching).toBe(0);
    const plain = await compareParity(quantized, converted.graph, data, interpreter);
    expect(plain).toEqual(parity);
    expect(parity.layers).toBe(converted.graph.nodes.length + 1);
    const { mismatching, reference } = await verify(converted.toBytes(), { reference: true });
    expect([mismatching, reference!.mismatching]).toEqual([0, 0]);
  });
});

describe('the adding problem', () => {
  const [train, held] = [adding(1024, SEED), adding(1000, SEED + 1)];

  test.each([
    ['lstm', () => lstm({ units: 16 })],
    ['gru', () => gru({ units: 16 })],
  ] as const)('%s learns it, and keeps it as integers', async (_, layer) => {
    const net = sequential([layer(), dense({ units: 2 })], { seed: SEED });
    await fit(net, train, { epochs: 12, optimizer: adam({ learningRate: 0.01 }) });
    const float = await evaluate(net, held);
    const quantized = quantizeModel(net);
    await fit(quantized, train, { epochs: 2, optimizer: adam({ learningRate: 0.001 }) });
    const { top1 } = await evaluate(quantized, held);
    // Chance is 0.5. A sum near 0 is the whole difficulty: half a step of the input, 1/256, decides one in 150.
    expect(float.top1).toBeGreaterThan(0.93);
    expect(top1).toBeGreaterThan(float.top1! - 0.02);
    const session = await load(convert(quantized).toBytes(), { batch: 32 });
    let samples = 0;
    await visitIntegers(quantized, held, ({ x, size }, integers, names) => {
      if (size < 32) return;
      const { output } = session.run({ input: x as Float32Array });
      expect(output).toEqual(integers(names.at(-1)!));
      samples += size;
    });
    expect(samples).toBe(992);
  });
});
