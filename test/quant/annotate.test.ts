import { describe, expect, test } from 'vitest';
import { input } from '../../src/graph/trace.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import {
  QuantizeConfig,
  quantizeAnnotateLayer,
  quantizeAnnotateModel,
  quantizeApply,
} from '../../src/quant/annotate.ts';
import { convert } from '../../src/quant/convert.ts';
import { fixInputOutputRange, removeInputRange } from '../../src/quant/fixRange.ts';
import { quantizeWeights, rangeOf, weightGradients } from '../../src/quant/kernels.ts';
import type { Method } from '../../src/quant/method.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { quantizers, schemes } from '../../src/quant/quantizers.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, SAMPLE } from './networks.ts';
import { compareParity, runtime } from './parity.ts';
import { shown } from './shown.ts';

const SEED = 5;

const conv = () => layers.conv2d({ filters: 4, kernelSize: 3 });
const head = () => layers.dense({ units: 3 });

/** Trained for an epoch: evaluation has the integers of the bundle. */
async function expectParity(quantized: QuantizedModel): Promise<void> {
  await fit(quantized, blobs(32, SEED), { optimizer: sgd({ learningRate: 0.02 }) });
  const { graph } = convert(quantized);
  const parity = await compareParity(quantized, graph, blobs(20, SEED + 1), runtime());
  expect(parity.mismatching).toBe(0);
  expect(parity.layers).toBe(graph.nodes.length + 1);
}

describe('quantizeApply', () => {
  test('annotated layers take the scheme and their config, the others 8 bits', async () => {
    const config = new QuantizeConfig({ weights: quantizers.tqt({ bits: 3, perChannel: false }) });
    config.outputs = { bits: 5 };
    const net = sequential([
      conv(),
      layers.relu(),
      quantizeAnnotateLayer(conv(), config),
      quantizeAnnotateLayer(sequential([layers.batchNormalization(), layers.relu()])),
      layers.flatten(),
      head(),
    ]);
    net.build(SAMPLE);
    const quantized = quantizeApply(net, {
      ...schemes.defaultNBit({ weightBits: 4 }),
      edgeBits: 2,
    });
    expect(shown(quantized)).toEqual([
      'input: movingAverage 8',
      'relu: movingAverage 8',
      // Of the conv: the norm and the relu behind it have nothing of their own.
      'relu_1: movingAverage 5',
      'dense: movingAverage 8',
      'conv2d/kernel: lastValue 8 ×4',
      'conv2d_1/kernel: tqt 3',
      'dense/kernel: lastValue 8 ×3',
    ]);
    await expectParity(quantized);
  });

  test('a relu without annotation leaves the bits of the layer before it', () => {
    const net = sequential([
      quantizeAnnotateLayer(conv(), { outputs: { bits: 5 } }),
      layers.relu(),
      conv(),
      quantizeAnnotateLayer(layers.relu(), { outputs: { bits: 6 } }),
      layers.flatten(),
      head(),
    ]);
    net.build(SAMPLE);
    const scheme = { weights: { bits: 4 }, activations: { bits: 4 }, edgeBits: 2, otherBits: 2 };
    expect(shown(quantizeApply(net, scheme))).toEqual([
      'input: learnedScale 4',
      'relu: learnedScale 5',
      'relu_1: learnedScale 6',
      'dense: learnedScale 8',
      'conv2d/kernel: learnedScale 4 ×4',
      'conv2d_1/kernel: learnedScale 8 ×4',
      'dense/kernel: learnedScale 8 ×3',
    ]);
  });

  test('a whole model takes the scheme, but for the layers that have more to say', () => {
    const inner = quantizeAnnotateLayer(conv(), { weights: { bits: 8 } });
    const net = quantizeAnnotateModel(sequential([conv(), inner, layers.flatten(), head()]));
    net.build(SAMPLE);
    const scheme = schemes.defaultNBit({ weightBits: 4, activationBits: 6, perChannel: false });
    expect(shown(quantizeApply(net, scheme))).toEqual([
      'input: movingAverage 6',
      'conv2d: movingAverage 6',
      'conv2d_1: movingAverage 6',
      'dense: movingAverage 6',
      'conv2d/kernel: lastValue 4',
      'conv2d_1/kernel: lastValue 8',
      'dense/kernel: lastValue 4',
    ]);
  });

  test('functional models keep annotations, also within others', () => {
    const x = input(SAMPLE);
    const y = quantizeAnnotateLayer(conv(), { weights: { bits: 2 } }).apply(x);
    const part = model({ inputs: x, outputs: add(y, conv().apply(x)) });
    const net = sequential([part, layers.flatten(), head()]);
    net.build(SAMPLE);
    expect(shown(quantizeApply(net)).filter((line) => line.includes('conv2d'))).toEqual([
      'conv2d: learnedScale 8',
      'conv2d_1: learnedScale 8',
      'conv2d/kernel: learnedScale 2 ×4',
      'conv2d_1/kernel: learnedScale 8 ×4',
    ]);
  });

  test('default 8-bit: weights by their last value, activations by a moving average', () => {
    const net = quantizeAnnotateModel(sequential([conv(), layers.flatten(), head()]));
    net.build(SAMPLE);
    expect(shown(quantizeApply(net, schemes.default8Bit()))).toEqual([
      'input: movingAverage 8',
      'conv2d: movingAverage 8',
      'dense: movingAverage 8',
      'conv2d/kernel: lastValue 8 ×4',
      'dense/kernel: lastValue 8 ×3',
    ]);
  });
});

describe('layers by name', () => {
  const net = (): Module => {
    const made = sequential([conv(), layers.relu(), conv(), layers.flatten(), head()]);
    made.build(SAMPLE);
    return made;
  };

  test('patterns, later ones over earlier ones; inputs have a name too', async () => {
    const quantized = quantizeModel(net(), {
      weights: { bits: 4 },
      edgeBits: 4,
      layers: {
        'conv2d*': { weights: { bits: 6, method: 'lsq' } },
        conv2d_1: { weights: { bits: 3 }, activations: quantizers.allValues({ bits: 4 }) },
        input: { activations: quantizers.fixed({ min: -1, max: 3 }) },
      },
    });
    expect(shown(quantized)).toEqual([
      'input: fixed 8',
      'relu: learnedScale 8',
      'conv2d_1: minMax 4',
      'dense: learnedScale 8',
      'conv2d/kernel: lsq 6 ×4',
      'conv2d_1/kernel: lsq 3 ×4',
      'dense/kernel: learnedScale 4 ×3',
    ]);
    await expectParity(quantized);
  });

  /** Weights by max |w| of every step, for good at a power of two. */
  const own: Method = {
    activations: {},
    weights: {},
    range: rangeOf,
    rangeGradients: () => ({}),
    quantizeWeights(cx, w, refs, spec) {
      const scale = cx.f32(refs.scale);
      if (cx.training) {
        scale.forEach((s, i) => {
          scale[i] = 2 ** Math.ceil(Math.log2(s));
        });
      }
      return quantizeWeights(cx, w, refs.scale, spec);
    },
    backwardWeights(cx, dy, w, refs, spec) {
      return { dx: weightGradients(cx, dy, w, refs.scale, spec, [spec.qmin, spec.qmax]).dx };
    },
  };

  test('a method of one’s own, an object, trains and ships', async () => {
    const quantized = quantizeModel(net(), { quantizers: { own }, weights: { method: 'own' } });
    await expectParity(quantized);
    const scales = [...quantized.graph.quantizers.values()].filter(
      ({ target }) => target === 'weight',
    );
    for (const { scale } of scales) {
      for (const s of scale.data) expect(Number.isInteger(Math.log2(s))).toBe(true);
    }
  });

  test.each<[string, () => unknown, string]>([
    [
      'a name that no layer has',
      () => quantizeModel(net(), { layers: { conv2d_7: {} } }),
      'quantizeModel: layers must name some of input, conv2d, relu, conv2d_1, flatten, dense, got "conv2d_7"',
    ],
    [
      'a method that there is not',
      () => quantizeModel(net(), { layers: { conv2d: { weights: { method: 'best' } } } }),
      'quantizeModel: layer conv2d: method must be one of learnedScale,',
    ],
    [
      'bits that there are not',
      () => quantizeModel(net(), { layers: { conv2d: { weights: { bits: 9 } } } }),
      'quantizeModel: layer conv2d: bits must be an integer in [2, 8], got 9',
    ],
    [
      'an option that there is not',
      () => quantizeModel(net(), { layers: { conv2d: { weight: {} } as never } }),
      'quantizeModel: layer conv2d: options are weights, activations, got weight',
    ],
    [
      'bounds without a fixed range',
      () => quantizeModel(net(), { layers: { conv2d: { activations: { min: 0, max: 1 } } } }),
      "quantizeModel: layer conv2d: method must be 'fixed' where there is min or max, got undefined",
    ],
    [
      'fixed weights',
      () => new QuantizeConfig({ weights: quantizers.fixed({ min: -1, max: 1 }) }),
      'QuantizeConfig: weights: options are method, bits, perChannel, got min',
    ],
    [
      'a fixed range without 0',
      () => new QuantizeConfig({ outputs: { method: 'fixed', min: 1, max: 2 } }),
      'QuantizeConfig: min must be',
    ],
    [
      'outputs by both names',
      () => new QuantizeConfig({ outputs: {}, activations: {} }),
      'QuantizeConfig: activations or outputs, which are the same, got both',
    ],
    [
      'a model without annotations',
      () => quantizeApply(net()),
      'quantizeApply: a model with annotated layers (quantizeAnnotateModel annotates all), got none',
    ],
    [
      'an annotated function',
      () => quantizeAnnotateLayer(layers.relu as never),
      'quantizeAnnotateLayer: a layer is expected, got function',
    ],
  ])('%s is one clear sentence', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

test('the example of tfmot.md has the bits that are said there', () => {
  const first = new QuantizeConfig({ weights: quantizers.lsq({ bits: 8 }) });
  const net = quantizeAnnotateModel(
    sequential([
      quantizeAnnotateLayer(
        layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [28, 28, 1] }),
        first,
      ),
      layers.relu(),
      layers.conv2d({ filters: 16, kernelSize: 3, strides: 2 }),
      layers.relu(),
      layers.flatten(),
      quantizeAnnotateLayer(layers.dense({ units: 10 }), {
        outputs: quantizers.fixed({ min: -16, max: 15 }),
      }),
    ]),
  );
  const options = { weights: { bits: 4 }, activations: { bits: 6 } };
  const lines = (activation: number, weight: number) => [
    `input: learnedScale ${activation}`,
    'relu: learnedScale 6',
    `relu_1: learnedScale ${activation}`,
    `dense: fixed ${activation}`,
    'conv2d/kernel: lsq 8 ×8',
    'conv2d_1/kernel: learnedScale 4 ×16',
    `dense/kernel: learnedScale ${weight} ×10`,
  ];
  expect(shown(quantizeApply(net, options))).toEqual(lines(8, 8));
  expect(shown(quantizeApply(net, { ...options, edgeBits: 2, otherBits: 2 }))).toEqual(lines(6, 4));
});

test('a config is JSON and comes back', () => {
  const config = new QuantizeConfig({
    weights: quantizers.custom('mine', { bits: 4 }),
    outputs: quantizers.fixed({ min: 0, max: 6 }),
  });
  const again = QuantizeConfig.fromJSON(JSON.parse(JSON.stringify(config)));
  expect(again.annotation()).toEqual({
    weights: { method: 'mine', bits: 4 },
    activations: { method: 'fixed', min: 0, max: 6 },
  });
  expect(() => QuantizeConfig.fromJSON('lsq')).toThrow(
    'QuantizeConfig: an object is expected, got lsq',
  );
});

describe('fixInputOutputRange', () => {
  const made = () => {
    const net = sequential([conv(), layers.flatten(), head()]);
    net.build(SAMPLE);
    return quantizeModel(net);
  };
  const ends = ({ graph }: QuantizedModel) =>
    [graph.inputs[0]!, graph.outputs[0]!].map((id) => graph.quantizers.get(id)!);

  test('holds through training, and ships', async () => {
    const quantized = made();
    fixInputOutputRange(quantized, { inputMin: 0, inputMax: 1, outputMin: -8, outputMax: 7.9375 });
    await expectParity(quantized);
    expect(
      ends(quantized).map(({ scale, fixedZeroPoint }) => [scale.data[0], fixedZeroPoint]),
    ).toEqual([
      [Math.fround(1 / 255), -128],
      [Math.fround(15.9375 / 255), 0],
    ]);
  });

  test('removeInputRange gives the input the range of the data', async () => {
    const [quantized, plain] = [made(), made()];
    fixInputOutputRange(quantized, { inputMin: 0, inputMax: 1 });
    await quantized.calibrate(blobs(16, SEED));
    removeInputRange(quantized);
    expect(quantized.calibrated).toBe(false);
    for (const one of [quantized, plain]) await one.prepare(blobs(16, SEED));
    expect(ends(quantized)[0]!.scale.data).toEqual(ends(plain)[0]!.scale.data);
  });

  test('removeInputRange leaves other ranges as they are', async () => {
    const quantized = made();
    fixInputOutputRange(quantized, { inputMin: 0, inputMax: 1 });
    await quantized.calibrate(blobs(16, SEED));
    const output = ends(quantized)[1]!.scale.data;
    output[0]! *= 2;
    const learned = [...output];
    removeInputRange(quantized);
    await quantized.prepare(blobs(16, SEED));
    expect([...ends(quantized)[1]!.scale.data]).toEqual(learned);
  });

  test.each<[object, string]>([
    [{ inputMin: 0 }, 'fixInputOutputRange: inputMax must be'],
    [{ outputMin: 1, outputMax: 2 }, 'fixInputOutputRange: outputMin must be'],
    [
      { inputMin: 0, inputMax: 0 },
      'fixInputOutputRange: inputMin must be less than inputMax, got 0',
    ],
    [
      { min: 0 },
      'fixInputOutputRange: options are inputMin, inputMax, outputMin, outputMax, got min',
    ],
  ])('%j is one clear sentence', (range, message) => {
    expect(() => fixInputOutputRange(made(), range)).toThrow(message);
  });
});
