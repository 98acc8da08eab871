import { describe, expect, test, vi } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { fromArrays } from '../../src/data/index.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { model } from '../../src/nn/models.ts';
import { type Optimizer, optimizers } from '../../src/optim/optimizer.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';

/** Cuts whatever can be cut into as many as five parts, so that small tensors do. */
vi.mock('../../src/wasm/cut.ts', () => ({
  cut: (units: number, _unitCost: number, grain: number, threads: number) => {
    const grains = Math.ceil(units / grain);
    const parts = threads === 1 ? 1 : Math.min(5, grains);
    const start = (i: number) => Math.min(units, Math.floor((i * grains) / parts) * grain);
    return Array.from({ length: parts }, (_, i) => [start(i), start(i + 1) - start(i)]);
  },
}));

const SEED = 11;

/** Every kernel of training that is divided, and some that are not. */
function network() {
  const same = { padding: 'same', useBias: false } as const;
  const x = input([11, 11, 3]);
  const stem = layers.conv2d({ filters: 16, kernelSize: 3, ...same }).apply(x);
  const wider = layers.conv2d({ filters: 16, kernelSize: 3, ...same }).apply(stem);
  const active = layers.relu6().apply(layers.batchNormalization().apply(wider));
  const pooled = layers.maxPool2d({ poolSize: 2 }).apply(active);
  const deep = layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' }).apply(pooled);
  const tiled = layers.conv2d({ filters: 16, kernelSize: 3, ...same });
  const wide = layers
    .conv2d({ filters: 16, kernelSize: 1 })
    .apply(tiled.apply(layers.relu().apply(deep)));
  const sum = add(wide, pooled);
  // 4x4 outputs, whole tiles.
  const tall = layers
    .upSampling2d({ size: 2 })
    .apply(layers.averagePool2d({ poolSize: 2 }).apply(sum));
  const half = layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, ...same }).apply(tall);
  const flat = layers.dense({ units: 9 }).apply(layers.flatten().apply(half));
  const outputs = layers.dense({ units: 4 }).apply(layers.relu().apply(flat));
  return model({ inputs: x, outputs }, { seed: SEED });
}

/** All parameters after six steps of batches of 13 and one of 2. */
async function trained(mode: string, threads: number, optimizer: Optimizer): Promise<Uint8Array[]> {
  const rng = new Rng(SEED);
  const [shape, count] = [[11, 11, 3], 28];
  const x = Float32Array.from({ length: count * 363 }, () => 2 * rng.uniform() - 1);
  const y = Int32Array.from({ length: count }, () => rng.below(4));
  const dataset = fromArrays({ x, y, shape, classes: 4, batchSize: 13, seed: SEED });
  const net = network();
  const method = mode as MethodName;
  const options = { method, calibrationBatches: 1 } as const;
  const quantized = mode === 'float' ? undefined : quantizeModel(net, options);
  const history = await fit(quantized ?? net, dataset, { epochs: 2, threads, optimizer });
  expect(history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  const graph = quantized?.graph ?? net.build(shape);
  return parametersOf(graph).map(({ data }) => {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  });
}

describe('fit on several threads', () => {
  test.each(['float', ...Object.keys(methods)])('gives the bytes of one: %s', async (mode) => {
    const one = await trained(mode, 1, optimizers.sgd({ learningRate: 0.01, momentum: 0.9 }));
    for (const threads of [2, 3]) {
      const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.9 });
      expect(await trained(mode, threads, optimizer)).toEqual(one);
    }
  });

  test('gives the bytes of one: Adam', async () => {
    const one = await trained('float', 1, optimizers.adam());
    expect(await trained('float', 2, optimizers.adam())).toEqual(one);
  });

  test('takes whole numbers of threads', async () => {
    const expected = 'fit: threads must be an integer in [1, 64], got 0';
    await expect(trained('float', 0, optimizers.adam())).rejects.toThrow(expected);
  });
});
