import { describe, expect, test } from 'vitest';
import { activationRange, weightRange } from '../../src/core/qparams.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { type QuantizeOptions, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { verify } from '../../src/runtime/verify.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, networks, SAMPLE, unsettle } from './networks.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const SEED = 57;

/** Every width of each once, mixed, with one scale a tensor among them. */
const schemes: QuantizeOptions[] = [
  { weights: { bits: 4 }, activations: { bits: 4 } },
  { weights: { bits: 3, perChannel: false }, activations: { bits: 6 }, edgeBits: 4, otherBits: 3 },
  { weights: { bits: 2 }, activations: { bits: 2 }, edgeBits: 2, otherBits: 2 },
  { weights: { bits: 7 }, activations: { bits: 3 }, edgeBits: 5 },
  { weights: { bits: 5, method: 'movingAverage' }, activations: { bits: 5 } },
  { weights: { perChannel: false }, activations: { bits: 7, method: 'movingAverage' } },
];

const names = Object.keys(networks);

describe.each(schemes.map((scheme) => [JSON.stringify(scheme), scheme] as const))(
  '%s',
  (_, scheme) => {
    const at = schemes.indexOf(scheme);

    // Each network meets two schemes for either method.
    test.each(names.filter((_, i) => i % 3 === at % 3))(
      '%s: evaluation is the shipped model',
      async (name) => {
        for (const method of Object.keys(methods) as MethodName[]) {
          const net = networks[name]!()(SEED);
          unsettle(net.build(SAMPLE), SEED);
          const quantized = quantizeModel(net, { method, ...scheme });
          await fit(quantized, blobs(32, SEED), { optimizer: sgd({ learningRate: 0.02 }) });
          const converted = convert(quantized);
          validateGraph(converted.graph);
          const data = blobs(20, SEED + 1);
          for (const run of [runtime(), interpreter]) {
            const parity = await compareParity(quantized, converted.graph, data, run);
            expect(parity.first).toBeUndefined();
            expect(parity.mismatching).toBe(0);
            expect(parity.layers).toBe(converted.graph.nodes.length + 1);
          }
          const { mismatching } = await verify(converted.toBytes());
          expect(mismatching).toBe(0);
        }
      },
    );
  },
);

const { conv2d, dense, globalAveragePool2d, relu } = layers;

function three(): Graph {
  const conv = (filters: number) => conv2d({ filters, kernelSize: 3 });
  const members = [conv(4), relu(), conv(5), relu(), conv(3), relu(), globalAveragePool2d()];
  const net = sequential([...members, dense({ units: 3 })], { seed: SEED });
  return net.build(SAMPLE);
}

/** [qmin, qmax] by the name of each quantized value. */
async function rangesOf(options: QuantizeOptions): Promise<Record<string, unknown>> {
  const model = quantizeModel(three(), options);
  await model.calibrate(blobs(16, SEED));
  const { values } = convert(model).graph;
  return Object.fromEntries(
    values.flatMap(({ name, qparams }) => (qparams ? [[name, [qparams.qmin, qparams.qmax]]] : [])),
  );
}

test('the ends of a network keep edgeBits, everything between has its own', async () => {
  const ranges = await rangesOf({ weights: { bits: 4 }, activations: { bits: 3 } });
  expect(ranges).toMatchObject({
    input: [-128, 127],
    'conv2d/kernel': [-127, 127],
    relu: [-4, 3],
    'conv2d_1/kernel': [-8, 7],
    relu_1: [-4, 3],
    'conv2d_2/kernel': [-8, 7],
    relu_2: [-128, 127],
    globalAveragePool2d: [-128, 127],
    'dense/kernel': [-127, 127],
    dense: [-128, 127],
  });
});

test('edgeBits does not lower what has more', async () => {
  const bits = { weights: { bits: 6 }, activations: { bits: 5 } };
  const ranges = await rangesOf({ ...bits, edgeBits: 2, otherBits: 2 });
  expect(new Set(Object.values(ranges).map(String))).toEqual(new Set(['-32,31', '-16,15']));
});

test('what no layer with weights reads keeps otherBits, through ops that keep integers', () => {
  const x = input([8, 8, 3]);
  const conv = (name: string) => conv2d({ name, filters: 4, kernelSize: 3, padding: 'same' });
  const stem = conv('stem').apply(x);
  const branch = conv('branch').apply(stem);
  const sum = add(stem, branch);
  const pooled = layers.maxPool2d().apply(sum);
  const last = conv('last').apply(pooled);
  const more = add(last, conv('other').apply(pooled));
  const net = model({ inputs: x, outputs: conv('end').apply(conv('next').apply(more)) });
  const bitsOf = (otherBits?: number) => {
    const options = { activations: { bits: 3 }, ...(otherBits && { otherBits }) };
    const { quantizers, values } = quantizeModel(net, options).graph;
    const activations = [...quantizers].filter(([, { target }]) => target === 'activation');
    const bits = activations.map(([id, { qmin }]) => [values[id]!.name, 1 + Math.log2(-qmin)]);
    return Object.fromEntries(bits);
  };
  const ends = { input: 8, end: 8, next: 8 };
  const read = { stem: 3, add: 3, add_1: 3 };
  expect(bitsOf()).toEqual({ ...ends, ...read, branch: 8, last: 8, other: 8 });
  expect(bitsOf(5)).toEqual({ ...ends, ...read, branch: 5, last: 5, other: 5 });
});

test('one scale a tensor is repeated for each channel in the bundle', async () => {
  const model = quantizeModel(three(), { weights: { perChannel: false } });
  await model.calibrate(blobs(16, SEED));
  for (const { name, qparams } of convert(model).graph.values) {
    if (!name.endsWith('/kernel')) continue;
    expect(new Set(qparams!.scale).size, name).toBe(1);
    expect(qparams!.scale.length, name).toBeGreaterThan(1);
  }
});

test('integers of weights use the whole of their range and no more', async () => {
  for (const bits of [2, 3, 4, 5, 6, 7, 8]) {
    const model = quantizeModel(three(), { weights: { bits }, edgeBits: 2 });
    await model.calibrate(blobs(16, SEED));
    const { qmin, qmax } = weightRange(bits);
    for (const { name, data } of convert(model).graph.parameters.values()) {
      if (!name.endsWith('/kernel')) continue;
      const [least, most] = [Math.min(...data), Math.max(...data)];
      expect(least, `${name} at ${bits} bits`).toBeGreaterThanOrEqual(qmin);
      expect(Math.max(-least, most), `${name} at ${bits} bits`).toBeGreaterThanOrEqual(qmax);
      expect(most, `${name} at ${bits} bits`).toBeLessThanOrEqual(qmax);
    }
  }
});

test('the range of softmax has the same reals at fewer bits', async () => {
  const net = sequential([dense({ units: 4 }), layers.softmax(), dense({ units: 3 })], { seed: 1 });
  const model = quantizeModel(net.build([6]), {
    activations: { bits: 4 },
    edgeBits: 4,
    otherBits: 4,
  });
  const fixed = [...model.graph.quantizers.values()].find(({ method }) => method === 'fixed')!;
  expect([fixed.scale.data[0], fixed.fixedZeroPoint]).toEqual([1 / 16, -8]);
  expect(fixed).toMatchObject(activationRange(4));
});

test.each<[QuantizeOptions, string]>([
  [{ weights: { bits: 9 } }, 'quantizeModel: weights: bits must be an integer in [2, 8], got 9'],
  [{ weights: { bits: 1 } }, 'quantizeModel: weights: bits must be an integer in [2, 8], got 1'],
  [
    { activations: { bits: 2.5 } },
    'quantizeModel: activations: bits must be an integer in [2, 8], got 2.5',
  ],
  [{ edgeBits: 0 }, 'quantizeModel: edgeBits must be an integer in [2, 8], got 0'],
  [
    { weights: { perChannel: 1 as never } },
    'quantizeModel: weights: perChannel must be true or false, got 1',
  ],
  [
    { weights: { axis: 0 } as never },
    'quantizeModel: weights: options are method, bits, perChannel, got axis',
  ],
  [
    { activations: { method: 'average' as never } },
    'quantizeModel: activations: method must be one of learnedScale, lsq, lsqPlus, pact, tqt, ewgs, movingAverage, minMax, lastValue, got "average"',
  ],
])('%j is refused', (options, message) => {
  expect(() => quantizeModel(three(), options)).toThrow(message);
});
