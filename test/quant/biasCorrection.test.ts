import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { convert } from '../../src/quant/convert.ts';
import { fixInputOutputRange } from '../../src/quant/fixRange.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { type CalibrationBatch, runBatches } from '../../src/quant/runBatches.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { unsettle } from './networks.ts';

const SEED = 2026;
const SHAPE: Shape = [6, 5, 4];
const SIZE = 8;

/** Steps of the input's grid over [−2, 127/64]: its values lie on them, so that only weights and outputs are rounded. */
const STEP = 1 / 64;

/** All values lie above 0 on average: rounded weights then move the mean of the outputs. */
function integersOf(seed: number): Int8Array {
  const rng = new Rng(seed);
  return Int8Array.from({ length: SIZE * sizeOf(SHAPE) }, () => rng.below(160) - 32);
}

const batchOf = (q: Int8Array): CalibrationBatch => ({
  x: Float32Array.from(q, (value) => value * STEP),
  size: SIZE,
});

async function* only(batch: CalibrationBatch) {
  yield batch;
}

/** The mean of each channel of what the float graph gives. */
async function floatMeans(graph: Graph, batch: CalibrationBatch): Promise<number[]> {
  let means: number[] = [];
  await runBatches(graph, [batch], (cx, id, y) => {
    if (id === graph.outputs[0]) means = channelMeans(cx.f32(y), y.shape.at(-1)!);
  });
  return means;
}

function integerMeans(model: QuantizedModel, q: Int8Array): { means: number[]; step: number } {
  const { graph } = convert(model);
  const value = graph.values[graph.outputs[0]!]!;
  const { scale, zeroPoint } = value.qparams!;
  const y = interpret(graph, q, SIZE).get(value.name)!;
  const reals = Float64Array.from(y, (one) => (one - zeroPoint) * scale[0]!);
  return { means: channelMeans(reals, value.shape.at(-1)!), step: scale[0]! };
}

function channelMeans(y: ArrayLike<number>, channels: number): number[] {
  const sums = Array.from({ length: channels }, () => 0);
  for (let i = 0; i < y.length; i++) sums[i % channels]! += y[i]!;
  return sums.map((sum) => (sum * channels) / y.length);
}

const { conv2d, conv2dTranspose, depthwiseConv2d, dense, flatten, batchNormalization } = layers;
const folded = { useBias: false };
const stacks: Record<string, () => Module[]> = {
  'conv2d with a bias': () => [conv2d({ filters: 6, kernelSize: 3, padding: 'same' })],
  'conv2d with a norm': () => [
    conv2d({ filters: 6, kernelSize: 3, ...folded }),
    batchNormalization(),
  ],
  depthwiseConv2d: () => [depthwiseConv2d({ kernelSize: 3 })],
  'depthwiseConv2d with a norm': () => [
    depthwiseConv2d({ kernelSize: 2, ...folded }),
    batchNormalization(),
  ],
  conv2dTranspose: () => [conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2 })],
  dense: () => [flatten(), dense({ units: 7 })],
};

const SCHEME = { weights: { bits: 2 }, edgeBits: 2, activations: { bits: 8 } } as const;

function quantized(graph: Graph): QuantizedModel {
  const model = quantizeModel(graph, SCHEME);
  fixInputOutputRange(model, { inputMin: -2, inputMax: 127 / 64 });
  return model;
}

describe.each(Object.entries(stacks))('%s', (_, stack) => {
  const q = integersOf(SEED);
  const graph = sequential(stack(), { seed: SEED }).build(SHAPE);
  unsettle(graph, SEED);

  test('outputs have the means of the float network, which they had not', async () => {
    const expected = await floatMeans(graph, batchOf(q));
    const errorOf = async (biasCorrection: boolean) => {
      const model = quantized(graph);
      await model.calibrate(only(batchOf(q)), { method: 'minMax', biasCorrection });
      const { means, step } = integerMeans(model, q);
      return Math.max(...means.map((mean, c) => Math.abs(mean - expected[c]!))) / step;
    };
    // Rounding an output moves it by half a step at most, and so the mean; 1e-3 is for sums in f32.
    expect(await errorOf(true)).toBeLessThan(0.5 + 1e-3);
    expect(await errorOf(false)).toBeGreaterThan(1);
  });

  test('the float network stays as it is, and a second calibration begins anew', async () => {
    const before = [...graph.parameters.values()].map(({ data }) => data.slice());
    const model = quantized(graph);
    const moved = () => [...model.graph.parameters.values()].map(({ data }) => data.slice());
    await model.calibrate(only(batchOf(q)), { biasCorrection: true });
    const once = moved();
    expect(once).not.toEqual(before);
    await model.calibrate(only(batchOf(q)), { biasCorrection: true });
    const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
      // What was added in f32 is taken back in f32.
      for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i]!, 5);
    };
    moved().forEach((data, i) => {
      close(data, once[i]!);
    });
    await model.calibrate(only(batchOf(q)));
    moved().forEach((data, i) => {
      close(data, before[i]!);
    });
    expect([...graph.parameters.values()].map(({ data }) => data)).toEqual(before);
  });
});
