import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import { type ModelSpec, type TensorSpec, tfliteFile } from '../../helpers/tflite.ts';
import { type Case, constant, int8, ints, modelOf, scalar } from './small.ts';

const IMAGE = [1, 4, 6, 3] as const;
const x = { x: int8(IMAGE) };
const y = int8(IMAGE);
const PLAIN = { padding: 1, strideWidth: 1, strideHeight: 1 };

function refusal(spec: ModelSpec): string {
  try {
    importTflite(tfliteFile(spec));
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
  return 'imported';
}

const weights = (shape: readonly number[], more: Partial<TensorSpec> = {}): TensorSpec => ({
  ...constant({ shape, type: 'int8', scale: 0.01, zeroPoint: 0 }),
  ...more,
});

describe('what is not supported is refused with op, place and reason', () => {
  const conv = (w: TensorSpec, more: Partial<Case> = {}): Case => {
    return { op: 'CONV_2D', x, constants: { w }, y: int8([1, 4, 6, 2]), options: PLAIN, ...more };
  };
  const one = weights([2, 1, 1, 3]);

  test.each<[string, Case, string]>([
    ['a builtin op', { op: 'LSTM', x, y }, 'expected an op that can be imported, got LSTM'],
    [
      'a custom op',
      { op: 'Secret', x, y },
      'expected an op that can be imported, got a custom one',
    ],
    ['int16 activations', { op: 'ABS', x, y: { ...y, type: 'int16' } }, 'got int16'],
    [
      'an activation without a scale',
      { op: 'ABS', x, y: { shape: IMAGE, type: 'int8' } },
      'to have a scale and a zero point, got none',
    ],
    [
      'a fused TANH',
      { op: 'ADD', x: { ...x, b: y }, y, options: { activation: 4 } },
      'NONE, RELU, RELU6 or RELU_N1_TO_1, got number 4',
    ],
    [
      'computed weights',
      { op: 'CONV_2D', x: { ...x, w: int8([3, 1, 1, 3]) }, y, options: PLAIN },
      'expected weights that are constant',
    ],
    [
      'weights for other channels',
      conv(weights([2, 1, 1, 2])),
      "the weights' 2 input channels to divide those of the input, got 3",
    ],
    [
      'too few weight scales',
      conv({ ...one, scale: [1, 1, 1], zeroPoint: [0, 0, 0] }),
      'expected 1 or 2 weight scales, got 3',
    ],
    [
      'zero points per channel',
      conv({ ...one, scale: [1, 1], zeroPoint: [0, 1] }),
      'with zero points 0 where scales are per channel',
    ],
    [
      'a bias of another type',
      conv(one, { constants: { w: one, b: { shape: [2], data: [1, 2] } } }),
      'expected a bias of int32, got float32',
    ],
    [
      'another padding',
      conv(one, { options: { ...PLAIN, padding: 2 } }),
      'padding SAME (0) or VALID (1), got 2',
    ],
    [
      'a shape that is not that of the op',
      conv(one, { y: int8([1, 4, 5, 2]) }),
      'the output [N,4,5,2] that the file states, got [N,4,6,2]',
    ],
    [
      'shuffled weights',
      {
        op: 'FULLY_CONNECTED',
        x: { x: int8([1, 4]) },
        constants: { w: weights([2, 4]) },
        y: int8([1, 2]),
        options: { weightsFormat: 1 },
      },
      'weights in the plain format',
    ],
    [
      'two constants',
      { op: 'ADD', x, constants: { a: constant(y), b: constant(y) }, order: ['a', 'b'], y },
      'an operand that is computed, got two constants',
    ],
    [
      'a transposed batch',
      { op: 'TRANSPOSE', x, constants: { p: ints([1, 0, 2, 3]) }, y: int8([4, 1, 6, 3]) },
      'axis 0, the batch, to stay first, got [1,0,2,3]',
    ],
    [
      'a joined batch',
      { op: 'CONCATENATION', x: { ...x, b: y }, y: int8([2, 4, 6, 3]), options: { axis: 0 } },
      'an axis other than 0, which is the batch, got 0',
    ],
    [
      'a padded batch',
      { op: 'PAD', x, constants: { p: ints([1, 0, 0, 0, 0, 0, 0, 0]) }, y: int8([2, 4, 6, 3]) },
      'no padding of the batch, got [1,0]',
    ],
    [
      'a mean over axes apart',
      { op: 'MEAN', x, constants: { a: ints([1, 3]) }, y: int8([1, 6]) },
      'axes next to each other, got [1,3]',
    ],
    [
      'a computed axis',
      { op: 'MEAN', x: { ...x, a: { shape: [1], type: 'int32' } }, y },
      'expected float32, int8 or uint8, got int32',
    ],
    [
      'a stride of 0',
      {
        op: 'STRIDED_SLICE',
        x,
        constants: { a: ints([0, 0]), b: ints([1, 4]), c: ints([1, 0]) },
        y,
      },
      'strides other than 0, got 0',
    ],
    [
      'an empty slice',
      {
        op: 'STRIDED_SLICE',
        x,
        constants: { a: ints([0, 3]), b: ints([1, 2]), c: ints([1, 1]) },
        y,
      },
      'a slice of at least one element, got 3 to 2 by 1',
    ],
    [
      'a slice beyond the end',
      { op: 'SLICE', x, constants: { a: ints([0, 2, 0, 0]), b: ints([1, 4, 6, 3]) }, y },
      'a slice inside the 4 elements of axis 1, got 4 from 2 on',
    ],
    [
      'an index beyond the end',
      { op: 'GATHER', x, constants: { i: ints([6]) }, y, options: { axis: 2 } },
      'indices below 6, got 6',
    ],
    [
      'an unequal split',
      {
        op: 'SPLIT',
        x,
        constants: { a: scalar(1) },
        order: ['a', 'x'],
        y: [y, y, y],
        options: { count: 3 },
      },
      'an axis whose extent 3 divides, got 4',
    ],
    [
      'a slope for each pixel',
      { op: 'PRELU', x, constants: { a: constant(int8([4, 6, 3])) }, y },
      'a constant slope for each of 3 channels, got [4,6,3]',
    ],
    [
      'a division of integers',
      { op: 'DIV', x, constants: { c: constant(int8([3])) }, y },
      'float32 and a constant divisor, got int8',
    ],
  ])('%s', (_, model, reason) => {
    const message = refusal(modelOf(model));
    expect(message).toContain(reason);
    if (!reason.includes('float32, int8 or uint8')) {
      expect(message).toMatch(
        new RegExp(`^importTflite: ${model.op} \\(operator 0, output "y"\\)`),
      );
    }
  });

  test('an input of another type', () => {
    const spec = modelOf({ op: 'ABS', x: { x: { shape: IMAGE, type: 'int32' } }, y });
    expect(refusal(spec)).toContain('input "x": expected float32, int8 or uint8, got int32');
  });

  test('a float op among integer ones', () => {
    const f32 = { shape: IMAGE };
    const spec: ModelSpec = {
      tensors: { x: int8(IMAGE), a: int8(IMAGE), f: f32, g: f32 },
      operators: [
        { op: 'ABS', inputs: ['x'], outputs: ['a'] },
        { op: 'DEQUANTIZE', inputs: ['a'], outputs: ['f'] },
        { op: 'EXP', inputs: ['f'], outputs: ['g'] },
      ],
      inputs: ['x'],
      outputs: ['g'],
    };
    const expected =
      'EXP (operator 2, output "g"): expected integers, as the other ops have, got float32';
    expect(refusal(spec)).toContain(expected);
  });

  test('all problems are told, each in a sentence', () => {
    const spec: ModelSpec = {
      tensors: {
        x: int8(IMAGE),
        a: int8(IMAGE),
        b: int8(IMAGE),
        c: int8(IMAGE),
        unread: int8(IMAGE),
      },
      operators: [
        { op: 'LSTM', inputs: ['x'], outputs: ['a'] },
        { op: 'ABS', inputs: ['a'], outputs: ['b'] },
        { op: 'WHERE', inputs: ['b'], outputs: ['unread'] },
        { op: 'TOPK_V2', inputs: ['b'], outputs: ['c'] },
      ],
      inputs: ['x'],
      outputs: ['c'],
    };
    const lines = refusal(spec).split('\n');
    expect(lines[0]).toBe('importTflite: 2 problems:');
    expect(lines[1]).toContain('LSTM (operator 0, output "a")');
    expect(lines[2]).toContain('TOPK_V2 (operator 3, output "c")');
    expect(lines).toHaveLength(3);
  });
});

describe('faults that do no harm are warnings', () => {
  const warningsOf = (spec: ModelSpec) => {
    const warnings: string[] = [];
    importTflite(tfliteFile(spec), { onWarning: (message) => warnings.push(message) });
    return warnings;
  };
  const conv = (w: TensorSpec, b: TensorSpec) => {
    const constants = { w, b };
    return modelOf({ op: 'CONV_2D', x, constants, y: int8([1, 4, 6, 2]), options: PLAIN });
  };
  const w = weights([2, 1, 1, 3], { scale: [0.01, 0.02], zeroPoint: [0, 0], axis: 0 });
  const b: TensorSpec = {
    shape: [2],
    type: 'int32',
    data: [5, -5],
    scale: [1, 1],
    zeroPoint: [0, 0],
  };

  test('a bias whose quantized_dimension is not one of its axes', () => {
    expect(warningsOf(conv(w, b))).toEqual([]);
    const [warning, ...more] = warningsOf(conv(w, { ...b, axis: 3 }));
    expect(warning).toContain('CONV_2D (operator 0, output "y"): bias "b"');
    expect(warning).toContain('quantized_dimension 3: taken as 0');
    expect(more).toEqual([]);
  });

  test('weights whose scales stand along another axis', () => {
    expect(warningsOf(conv({ ...w, axis: 3 }, b))[0]).toContain('along axis 3: taken along axis 0');
  });

  test('a channel of zeros without a scale', () => {
    const data = [0, 0, 0, 1, 2, 3];
    const zeros = { ...w, data, scale: [0, 0.02] };
    expect(warningsOf(conv(zeros, b))[0]).toContain('are 0 in 1 channels and have no scale');
    expect(refusal(conv({ ...zeros, data: [0, 1, 0, 1, 2, 3] }, b))).toContain(
      'weight scales above 0',
    );
  });
});

describe('options', () => {
  const spec = modelOf({ op: 'ABS', x, y });

  test('what does not exist is told', () => {
    const options = { dropSoftMax: true } as never;
    expect(() => importTflite(tfliteFile(spec), options)).toThrow(TypeError);
    expect(() => importTflite(tfliteFile(spec), { onWarning: 1 as never })).toThrow(TypeError);
  });

  test('name, labels and preprocessing are those of the graph', () => {
    const preprocessing = { mean: [0], std: [1] };
    const graph = importTflite(tfliteFile(spec), { name: 'cat', labels: ['a'], preprocessing });
    expect(graph).toMatchObject({ name: 'cat', labels: ['a'], preprocessing });
  });
});

test('damaged files are imported or refused, and nothing else', () => {
  const w = weights([2, 3, 3, 3], { scale: [0.01, 0.02], zeroPoint: [0, 0], axis: 0 });
  const constants = { w, b: { shape: [2], type: 'int32' as const, data: [3, 4] } };
  const model = modelOf({
    op: 'CONV_2D',
    x,
    constants,
    y: int8([1, 2, 4, 2]),
    options: PLAIN,
  });
  const file = tfliteFile(model);
  const rng = new Rng(4);
  for (let at = 0; at < file.length; at++) {
    const damaged = file.slice();
    damaged[at] = [0, 1, 127, 255, rng.below(256)][at % 5]!;
    try {
      importTflite(damaged);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      expect(error.message).toMatch(/^(tflite|importTflite)/);
    }
  }
});
