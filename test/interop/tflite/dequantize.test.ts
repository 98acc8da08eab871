import { describe, expect, test } from 'vitest';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import { type TensorSpec, tfliteFile } from '../../helpers/tflite.ts';
import { runFloat } from './runFloat.ts';
import { type Case, constant, int8, modelOf, runCase, uint8 } from './small.ts';

const PLAIN = { padding: 0, strideWidth: 1, strideHeight: 1 };
const FC = { activation: 0, weightsFormat: 0 };

/** Three int32 whose steps are those of products of an input of scale 0.05 and weights of one scale, or one each. */
function bias(...scale: readonly number[]): TensorSpec {
  const steps = scale.map((s) => 0.05 * s);
  return {
    shape: [3],
    type: 'int32',
    data: [-500, -200, 100],
    scale: steps,
    zeroPoint: scale.map(() => 0),
  };
}

const perChannel = [0.004, 0.006, 0.002];
const conv: Case = {
  op: 'CONV_2D',
  x: { x: int8([1, 5, 6, 2]) },
  constants: {
    w: {
      ...constant({ shape: [3, 3, 3, 2], type: 'int8' }),
      ...{ scale: perChannel, zeroPoint: [0, 0, 0], axis: 0 },
    },
    b: bias(...perChannel),
  },
  y: int8([1, 5, 6, 3], 0.3, -20),
  options: { ...PLAIN, activation: 3 },
};

const depthwise: Case = {
  op: 'DEPTHWISE_CONV_2D',
  x: { x: uint8([1, 5, 6, 3]) },
  constants: {
    w: constant({ shape: [1, 3, 3, 3], type: 'uint8', scale: 0.006, zeroPoint: 121 }),
    b: bias(0.006),
  },
  y: uint8([1, 5, 6, 3], 0.4, 99),
  options: { ...PLAIN, depthMultiplier: 1, activation: 0 },
};

const cases: Readonly<Record<string, Case>> = {
  'a convolution, a scale for each channel, relu6': conv,
  'a depthwise convolution of bytes': depthwise,
  'a fully connected layer': {
    op: 'FULLY_CONNECTED',
    x: { x: int8([1, 12]) },
    constants: { w: constant({ shape: [3, 12], type: 'int8', scale: 0.005, zeroPoint: 0 }) },
    y: int8([1, 3], 0.2, 10),
    options: FC,
  },
  'a product with a constant': {
    op: 'MUL',
    x: { x: int8([1, 4, 3]) },
    constants: { c: constant({ shape: [3], type: 'int8', scale: 0.02, zeroPoint: 5 }) },
    y: int8([1, 4, 3], 0.15, 0),
    options: { activation: 0 },
  },
};

describe('a model of integers as floats', () => {
  test.each(Object.entries(cases))(
    '%s: the reals that its integers are rounded from',
    async (_, one) => {
      const whole = runCase(one);
      const [output] = whole.graph.outputs;
      const { scale, zeroPoint, qmin, qmax } = whole.graph.values[output!]!.qparams!;
      const graph = importTflite(tfliteFile(modelOf(one)), { dequantize: true });
      expect(graph.values.every(({ dtype, qparams }) => dtype === 'f32' && !qparams)).toBe(true);
      const y = await runFloat(graph, [whole.x[0]!.data], 2);
      const bounds = [qmin, qmax].map((q) => (q - zeroPoint) * scale[0]!) as [number, number];
      const clamped = Array.from(y.data, (real) => Math.min(bounds[1], Math.max(bounds[0], real)));
      // Integers are exact but for the last rounding, half a step; f32 sums of 27 products below 100 err by less than 1e-3.
      const expected = whole.y[0]!;
      expect(y.shape).toEqual(expected.shape);
      const worst = Math.max(...clamped.map((real, i) => Math.abs(real - expected.data[i]!)));
      expect(worst).toBeLessThanOrEqual(scale[0]! / 2 + 1e-3);
      expect(worst).toBeGreaterThan(scale[0]! / 10);
      expect(Math.min(...clamped)).toBeLessThan(Math.max(...clamped) - 4 * scale[0]!);
    },
  );

  test('weights and biases train', () => {
    const graph = importTflite(tfliteFile(modelOf(conv)), { dequantize: true });
    const trained = [...graph.parameters.values()].map(({ trainable }) => trainable);
    expect(trained).toEqual([true, true]);
  });

  test('a bias whose axis is another is taken as it is, as with integers', () => {
    const b = { ...conv.constants!['b']!, axis: 3 };
    const one = { ...conv, constants: { ...conv.constants, b } };
    const graph = importTflite(tfliteFile(modelOf(one)), { dequantize: true });
    const plain = importTflite(tfliteFile(modelOf(conv)), { dequantize: true });
    const values = (of: typeof graph) => [...of.parameters.values()].map(({ data }) => data);
    expect(values(graph)).toEqual(values(plain));
  });

  test('edges of other integers are left out, and bytes of an image are pixels', async () => {
    const tensors = {
      x: uint8([1, 2, 2, 3], 0.5, 100),
      a: int8([1, 2, 2, 3], 0.5, -28),
      b: int8([1, 2, 2, 3], 0.5, -28),
      y: uint8([1, 2, 2, 3], 0.5, 100),
    };
    const operators = [
      { op: 'QUANTIZE', inputs: ['x'], outputs: ['a'] },
      { op: 'TANH', inputs: ['a'], outputs: ['b'] },
      { op: 'QUANTIZE', inputs: ['b'], outputs: ['y'] },
    ];
    const spec = { tensors, operators, inputs: ['x'], outputs: ['y'] };
    const graph = importTflite(tfliteFile(spec), { dequantize: true });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['tanh']);
    expect(graph.preprocessing).toEqual({ mean: [100 / 255], std: [1 / 127.5] });
    const own = { mean: [0.5], std: [2] };
    const told = importTflite(tfliteFile(spec), { dequantize: true, preprocessing: own });
    expect(told.preprocessing).toEqual(own);
  });

  test('a model of floats stays what it is', () => {
    const [x, y] = [
      { shape: [1, 4], type: 'float32' },
      { shape: [1, 4], type: 'float32' },
    ] as const;
    const file = tfliteFile(modelOf({ op: 'TANH', x: { x }, y }));
    expect(importTflite(file, { dequantize: true })).toEqual(importTflite(file));
  });
});
