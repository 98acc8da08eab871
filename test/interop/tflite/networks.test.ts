import { describe, expect, test } from 'vitest';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import {
  type ModelSpec,
  type OperatorSpec,
  type TensorSpec,
  tfliteFile,
} from '../../helpers/tflite.ts';
import { compareLayers } from '../../runtime/equality.ts';
import { constant, int8, ints, randomInputs, runGraph, uint8 } from './small.ts';

const PLAIN = { padding: 0, strideWidth: 1, strideHeight: 1 };

/** Weights of `shape` for an input scale of 0.05, with a bias of the right scale. */
function linear(shape: readonly number[]): { readonly w: TensorSpec; readonly b: TensorSpec } {
  const w = constant({ shape, type: 'int8', scale: 0.006, zeroPoint: 0 });
  const channels = shape[0] === 1 ? shape.at(-1)! : shape[0]!;
  const data = Array.from({ length: channels }, (_, c) => 300 * c - 500);
  return { w, b: { shape: [channels], type: 'int32', data, scale: 0.0003, zeroPoint: 0 } };
}

/** Writes models op by op; activations are named by their place. */
class Sketch {
  readonly #tensors: Record<string, TensorSpec> = {};
  readonly #operators: OperatorSpec[] = [];
  #made = 0;

  constructor(input: TensorSpec) {
    this.#tensors['x'] = input;
  }

  op(
    op: string,
    inputs: readonly (string | TensorSpec)[],
    y: TensorSpec,
    options?: OperatorSpec['options'],
  ): string {
    const names = inputs.map((input) => (typeof input === 'string' ? input : this.#add(input)));
    const output = this.#add(y);
    this.#operators.push({ op, inputs: names, outputs: [output], ...(options && { options }) });
    return output;
  }

  conv(
    x: string,
    shape: readonly number[],
    y: TensorSpec,
    options: Record<string, number> = PLAIN,
  ): string {
    const { w, b } = linear(shape);
    return this.op(shape[0] === 1 ? 'DEPTHWISE_CONV_2D' : 'CONV_2D', [x, w, b], y, options);
  }

  spec(...outputs: readonly string[]): ModelSpec {
    return { tensors: this.#tensors, operators: this.#operators, inputs: ['x'], outputs };
  }

  #add(spec: TensorSpec): string {
    const name = `t${this.#made++}`;
    this.#tensors[name] = spec;
    return name;
  }
}

/** Imports, compares runtime and interpreter on every layer, and gives the ops. */
function opsOf(spec: ModelSpec): string[] {
  const graph = importTflite(tfliteFile(spec));
  expect(compareLayers(graph, 2, 3)).toBeGreaterThan(0);
  expect(compareLayers(graph, 1, 4)).toBeGreaterThan(0);
  return graph.nodes.map(({ op }) => op);
}

describe('pieces of networks, runtime against interpreter', () => {
  test('squeeze and excite: a mean scales the channels that it comes from', () => {
    const net = new Sketch(int8([1, 6, 6, 8]));
    const hidden = net.conv('x', [8, 1, 1, 8], int8([1, 6, 6, 8]));
    const swish = net.op('HARD_SWISH', [hidden], int8([1, 6, 6, 8]));
    const mean = net.op('MEAN', [swish, ints([1, 2])], int8([1, 1, 1, 8]), { keepDims: 1 });
    const small = net.conv(mean, [4, 1, 1, 8], int8([1, 1, 1, 4]), { ...PLAIN, activation: 1 });
    const wide = net.conv(small, [8, 1, 1, 4], int8([1, 1, 1, 8]));
    const three = constant(int8([1, 1, 1, 1], 0.03, -5));
    const shifted = net.op('ADD', [wide, three], int8([1, 1, 1, 8]), { activation: 3 });
    const gate = net.op('LOGISTIC', [shifted], int8([1, 1, 1, 8], 1 / 256, -128));
    const scaled = net.op('MUL', [swish, gate], int8([1, 6, 6, 8]), { activation: 0 });
    expect(opsOf(net.spec(net.op('ADD', [scaled, 'x'], int8([1, 6, 6, 8]), {})))).toEqual([
      ...['conv2d', 'lookup', 'globalAveragePool2d', 'reshape', 'conv2d', 'conv2d', 'add'],
      ...['lookup', 'multiply', 'add'],
    ]);
  });

  test('branches side by side, with pools that reach over the border', () => {
    const net = new Sketch(uint8([1, 7, 7, 8]));
    const pool = { ...PLAIN, filterWidth: 3, filterHeight: 3, activation: 0 };
    const a = net.op('AVERAGE_POOL_2D', ['x'], uint8([1, 7, 7, 8]), pool);
    const b = net.op('MAX_POOL_2D', ['x'], uint8([1, 7, 7, 8]), pool);
    const both = net.op('CONCATENATION', [a, b, 'x'], uint8([1, 7, 7, 24]), { axis: 3 });
    expect(opsOf(net.spec(both))).toEqual([
      'lookup',
      'averagePool2d',
      'maxPool2d',
      'concat',
      'lookup',
    ]);
  });

  test('an encoder and a decoder with a shortcut', () => {
    const net = new Sketch(int8([1, 8, 8, 4]));
    const half = { ...PLAIN, strideWidth: 2, strideHeight: 2, activation: 1 };
    const down = net.conv('x', [8, 3, 3, 4], int8([1, 4, 4, 8]), half);
    const { w } = linear([4, 2, 2, 8]);
    const size = ints([1, 8, 8, 4]);
    const up = net.op('TRANSPOSE_CONV', [size, w, down], int8([1, 8, 8, 4]), half);
    const resized = net.op('RESIZE_BILINEAR', [down, ints([8, 8])], int8([1, 8, 8, 8]), {
      halfPixelCenters: 1,
    });
    const joined = net.op('CONCATENATION', [up, 'x', resized], int8([1, 8, 8, 16]), { axis: -1 });
    const scores = net.conv(joined, [5, 1, 1, 16], int8([1, 8, 8, 5], 0.1, 0));
    const classes = net.op('ARG_MAX', [scores, ints([3])], { shape: [1, 8, 8], type: 'int32' });
    expect(opsOf(net.spec(classes, scores))).toEqual([
      ...['conv2d', 'transposedConv2d', 'resize', 'concat', 'conv2d', 'argMax'],
    ]);
  });

  test('padding, dilation and clamps that the file writes apart', () => {
    const net = new Sketch(int8([1, 8, 8, 4]));
    const sides = { shape: [4, 2], type: 'int32' as const, data: [0, 0, 0, 1, 0, 1, 0, 0] };
    const padded = net.op('PAD', ['x', sides], int8([1, 9, 9, 4]));
    const half = { padding: 1, strideWidth: 2, strideHeight: 2 };
    const first = net.conv(padded, [6, 3, 3, 4], int8([1, 4, 4, 6]), half);
    const relu = net.op('RELU', [first], int8([1, 4, 4, 6]));
    const block = ints([2, 2]);
    const spread = { shape: [2, 2], type: 'int32' as const, data: [2, 2, 2, 2] };
    const blocks = net.op('SPACE_TO_BATCH_ND', [relu, block, spread], int8([4, 4, 4, 6]));
    const valid = { ...PLAIN, padding: 1 };
    const small = net.conv(blocks, [1, 3, 3, 6], int8([4, 2, 2, 6]), {
      ...valid,
      depthMultiplier: 1,
    });
    const crops = { shape: [2, 2], type: 'int32' as const, data: [0, 0, 0, 0] };
    const whole = net.op('BATCH_TO_SPACE_ND', [small, block, crops], int8([1, 4, 4, 6]));
    expect(opsOf(net.spec(net.op('RELU6', [whole], int8([1, 4, 4, 6]))))).toEqual([
      ...['conv2d', 'depthwiseConv2d'],
    ]);
  });

  test('boxes of two scales become one list, and scores beside them', () => {
    const net = new Sketch(int8([1, 4, 4, 8]));
    const far = net.conv('x', [12, 1, 1, 8], int8([1, 4, 4, 12], 0.1, 0));
    const near = net.conv('x', [12, 2, 2, 8], int8([1, 2, 2, 12], 0.1, 0), {
      ...PLAIN,
      strideWidth: 2,
      strideHeight: 2,
    });
    const lists = [
      net.op('RESHAPE', [far, ints([1, -1, 4])], int8([1, 48, 4], 0.1, 0)),
      net.op('RESHAPE', [near, ints([1, -1, 4])], int8([1, 12, 4], 0.1, 0)),
    ];
    const all = net.op('CONCATENATION', lists, int8([1, 60, 4], 0.1, 0), { axis: 1 });
    const scores = net.op('LOGISTIC', [all], int8([1, 60, 4], 1 / 256, -128));
    expect(opsOf(net.spec(all, scores))).toContain('concat');
  });

  test('floats at the edges', () => {
    const net = new Sketch({ shape: [1, 6] });
    const q = net.op('QUANTIZE', ['x'], int8([1, 6], 0.02, 3));
    const tanh = net.op('TANH', [q], int8([1, 6], 1 / 128, 0));
    const graph = importTflite(
      tfliteFile(net.spec(net.op('DEQUANTIZE', [tanh], { shape: [1, 6] }))),
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual(['quantize', 'lookup', 'dequantize']);
    const [x] = randomInputs(graph, 1);
    const [y] = runGraph(graph, [x!], 1);
    for (let i = 0; i < 6; i++) expect(Math.abs(y![i]! - Math.tanh(x![i]!))).toBeLessThan(0.02);
  });
});
