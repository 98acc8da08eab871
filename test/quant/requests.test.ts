import { describe, expect, test } from 'vitest';
import type { Handle } from '../../src/graph/dispatch.ts';
import { input } from '../../src/graph/trace.ts';
import { concatenate, layers } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import type { Module } from '../../src/nn/module.ts';
import { quantizeAnnotateLayer, quantizeApply } from '../../src/quant/annotate.ts';
import {
  type QuantizedModel,
  type QuantizeOptions,
  quantizeModel,
} from '../../src/quant/quantizeModel.ts';
import { quantizers } from '../../src/quant/quantizers.ts';
import { SAMPLE } from './networks.ts';
import { shown } from './shown.ts';

type Asked = NonNullable<QuantizeOptions['layers']>;

const { batchNormalization, conv2d, dense, dropout, embedding, flatten, maxPool2d } = layers;
const { relu, softmax } = layers;

const conv = () => conv2d({ filters: 4, kernelSize: 3 });
/** What only JavaScript can pass. */
const wild = (layers: unknown) => layers as Asked;
const bits = (count: number) => ({ bits: count });

/** The lines of `shown` that are about these values. */
function only(quantized: QuantizedModel, ...names: string[]): string[] {
  return shown(quantized).filter((line) => names.includes(line.split(':')[0]!));
}

function chain(...members: Module[]): Module {
  const made = sequential([...members, flatten(), dense({ units: 3 })]);
  made.build(SAMPLE);
  return made;
}

/** The layer, then relu, then the layer again. */
function twice(first: Module, second = first): Module {
  const x = input([9, 8, 4]);
  const y = second.apply(relu().apply(first.apply(x)));
  return model({ inputs: x, outputs: dense({ units: 3 }).apply(flatten().apply(y)) });
}

/** Two layers beside each other. */
function beside(a: Module, b: Module): Module {
  const x = input(SAMPLE);
  const y: Handle = concatenate([a.apply(x), b.apply(x)]);
  return model({ inputs: x, outputs: dense({ units: 3 }).apply(flatten().apply(y)) });
}

const asked = (net: Module, layers: Asked) => quantizeModel(net, { layers });

describe('what comes out of several nodes', () => {
  const block = () => chain(conv(), batchNormalization(), relu(), conv());

  test('has the last entry that names one of them', () => {
    const wide = { activations: bits(4) };
    const own = { activations: bits(6) };
    expect(only(asked(block(), { '*conv2d': wide, relu: wide, conv2d: own }), 'relu')).toEqual([
      'relu: learnedScale 6',
    ]);
    expect(only(asked(block(), { conv2d: own, relu: wide }), 'relu')).toEqual([
      'relu: learnedScale 4',
    ]);
  });

  test('has what an inner layer asks, whatever the outer one asks of the others', () => {
    const inner = quantizeAnnotateLayer(conv(), { outputs: bits(6) });
    const outer = quantizeAnnotateLayer(sequential([inner, relu()]), { outputs: bits(4) });
    expect(only(quantizeModel(chain(outer, conv())), 'relu')).toEqual(['relu: learnedScale 6']);
  });

  test('has what a layer before dropout asks, in quantizeApply too', () => {
    const annotated = quantizeAnnotateLayer(conv(), { outputs: bits(5) });
    const net = chain(annotated, dropout({ rate: 0.5 }), batchNormalization(), relu(), conv());
    expect(only(quantizeApply(net), 'relu')).toEqual(['relu: learnedScale 5']);
  });
});

test('an undefined property asks for nothing', () => {
  const layers = wild({ conv2d: { weights: { bits: undefined }, activations: {} } });
  expect(only(asked(chain(conv(), conv()), layers), 'conv2d/kernel')).toEqual([
    'conv2d/kernel: learnedScale 8 ×4',
  ]);
});

test('an embedding has what is asked of its output, which is that of its table', () => {
  const x = input([5]);
  const y = embedding({ inputDimension: 9, outputDimension: 4 }).apply(x);
  const net = model({ inputs: x, outputs: dense({ units: 3 }).apply(flatten().apply(y)) });
  const table = asked(net, { embedding: { activations: bits(4) } });
  expect(shown(table)[0]).toMatch(/^embedding.*: learnedScale 4$/);
});

describe('a layer that is used twice', () => {
  const kernel = (quantized: QuantizedModel) => only(quantized, 'conv2d/kernel');
  const three = ['conv2d/kernel: learnedScale 3 ×4'];

  test.each(['conv2d', 'conv2d_1'])('has what %s asks', (name) => {
    expect(kernel(asked(twice(conv()), { [name]: { weights: bits(3) } }))).toEqual(three);
  });

  test('has what one use asks, not what a pattern asks of the other', () => {
    const layers = { '*': { weights: bits(4) }, conv2d: { weights: bits(3) } };
    expect(kernel(asked(twice(conv()), layers))).toEqual(three);
  });

  test('has what its annotated use asks', () => {
    const shared = conv();
    const annotated = quantizeAnnotateLayer(shared, { weights: bits(3) });
    expect(kernel(quantizeApply(twice(annotated, shared)))).toEqual(three);
    expect(kernel(quantizeApply(twice(shared, annotated)))).toEqual(three);
  });

  test('refuses two that differ', () => {
    const layers = { conv2d: { weights: bits(3) }, conv2d_1: { weights: bits(4) } };
    expect(() => asked(twice(conv()), layers)).toThrow(
      /^quantizeModel: layer conv2d: bits 4, as conv2d_1 asks for the same weights, got bits 3$/,
    );
  });
});

describe('what a concat puts side by side', () => {
  const pair = () => beside(conv(), conv());
  const both = (layers: Asked) => only(asked(pair(), layers), 'conv2d', 'conv2d_1');
  const range = (max: number) => ({ activations: quantizers.fixed({ min: 0, max }) });

  test('has the most bits that one asks for', () => {
    expect(both({ conv2d: { activations: bits(3) }, conv2d_1: { activations: bits(6) } })).toEqual([
      'conv2d: learnedScale 6',
      'conv2d_1: learnedScale 6',
    ]);
  });

  test('has the method of the one that is named, not of a pattern', () => {
    const layers = {
      '*conv2d*': { activations: quantizers.lsq() },
      conv2d: { activations: quantizers.pact() },
    };
    expect(both(layers)).toEqual(['conv2d: pact 8', 'conv2d_1: pact 8']);
  });

  test('has one fixed range', () => {
    expect(both({ conv2d: range(2) })).toEqual(['conv2d: fixed 8', 'conv2d_1: fixed 8']);
    expect(both({ conv2d: range(2), conv2d_1: range(2) })).toHaveLength(2);
  });

  test.each<[string, Asked, string]>([
    [
      'ranges',
      { conv2d: range(1), conv2d_1: range(2) },
      'method fixed, min 0, max 2, as conv2d_1 asks for the same range, got method fixed, min 0, max 1',
    ],
    [
      'methods',
      { conv2d: { activations: quantizers.lsq() }, conv2d_1: range(2) },
      'method fixed, min 0, max 2, as conv2d_1 asks for the same range, got method lsq',
    ],
  ])('refuses two %s', (_, layers, message) => {
    expect(() => both(layers)).toThrow(`quantizeModel: layer conv2d: ${message}`);
  });

  test('may choose the range of a softmax beside something else', () => {
    const x = input([6]);
    const y = concatenate([softmax().apply(x), dense({ units: 4 }).apply(x)]);
    const net = model({ inputs: x, outputs: dense({ units: 3 }).apply(y) });
    const quantized = asked(net, { softmax: { activations: quantizers.lsq() } });
    expect(only(quantized, 'softmax')).toEqual(['softmax: lsq 8']);
  });
});

describe('what nothing can give is refused where it is asked of one layer, or of layers that all cannot', () => {
  const net = () => chain(conv(), maxPool2d(), relu(), flatten(), dense({ units: 4 }), softmax());
  const weights = { weights: bits(4) };
  const outputs = { activations: bits(4) };
  const method = { activations: quantizers.lsq() };
  const refusals: [string, Asked[string], string][] = [
    ['relu', weights, 'a layer with weights, got relu'],
    ['input', weights, 'a layer with weights, got an input'],
    ...['maxPool2d', 'relu', 'flatten'].map((name): [string, Asked[string], string] => [
      name,
      outputs,
      `a layer whose outputs do not keep the integers of its inputs, got ${name}`,
    ]),
    ['softmax', method, 'no method and no range, which the op has of its own, got softmax'],
    ['*Pool2d', outputs, 'a layer whose outputs do not keep the integers of its inputs, got'],
  ];

  test.each(refusals)('layers: %s %j', (name, annotation, message) => {
    expect(() => asked(net(), { [name]: annotation })).toThrow(
      `quantizeModel: layer ${name}: ${message}`,
    );
  });

  test('but not where one of many can do it', () => {
    for (const annotation of [weights, outputs, method]) {
      expect(() => asked(net(), { '*': annotation })).not.toThrow();
    }
    expect(only(asked(net(), { softmax: outputs }), 'softmax')).toEqual(['softmax: fixed 4']);
  });

  test.each<[string, Module, Asked[string], string]>([
    ['relu', relu(), weights, 'a layer with weights, got relu'],
    [
      'maxPool2d_1 … relu',
      sequential([maxPool2d(), relu()]),
      outputs,
      'a layer whose outputs do not keep the integers of its inputs, got maxPool2d, relu',
    ],
    ['softmax', softmax(), method, 'no method and no range, which the op has of its own, got'],
  ])('annotation of %s', (name, layer, config, message) => {
    const annotated = quantizeAnnotateLayer(layer, config);
    const made = chain(conv(), maxPool2d(), annotated);
    for (const quantize of [quantizeModel, quantizeApply]) {
      expect(() => quantize(made)).toThrow(`quantizeModel: layer ${name}: ${message}`);
    }
  });

  test('an annotation of a whole model asks it of those that can', () => {
    const whole = quantizeAnnotateLayer(net(), { ...weights, ...outputs });
    whole.build(SAMPLE);
    const lines = only(quantizeApply(whole), 'conv2d', 'conv2d/kernel', 'softmax');
    expect(lines).toEqual([
      'conv2d: learnedScale 4',
      'softmax: fixed 4',
      'conv2d/kernel: learnedScale 4 ×4',
    ]);
  });
});
