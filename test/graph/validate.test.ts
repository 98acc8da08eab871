import { describe, expect, test } from 'vitest';
import { BATCH } from '../../src/core/shape.ts';
import type { Graph, Node, Parameter, Value } from '../../src/graph/graph.ts';
import { checkStructure, validateGraph } from '../../src/graph/validate.ts';
import { tinyGraph } from '../bundle/tinyBundle.ts';

const qparams = { scale: [0.5], zeroPoint: -128, qmin: -128, qmax: 127 };

/** x ─ op ─ y with these constants behind x. */
function oneNode(
  op: Node['op'],
  x: number[],
  y: number[],
  constants: Omit<Parameter, 'name' | 'trainable' | 'decay'>[],
  dtypes: Value['dtype'][],
): Graph {
  const activation = (name: string, shape: number[]): Value => {
    return { name, shape: [BATCH, ...shape], dtype: 'i8', qparams };
  };
  const weights = { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 };
  const values = constants.map(({ shape }, i): Value => {
    const dtype = dtypes[i]!;
    return { name: `k${i}`, shape, dtype, ...(dtype === 'i8' && { qparams: weights }) };
  });
  const parameters = constants.map(({ shape, data }, i): [number, Parameter] => {
    return [i + 2, { name: `k${i}`, shape, data, trainable: false, decay: false }];
  });
  const inputs = [0, ...parameters.map(([id]) => id)];
  const attrs = {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1],
  };
  return {
    name: 'one',
    values: [activation('x', x), activation('y', y), ...values],
    nodes: [{ op, name: 'n', inputs, output: 1, attrs }],
    inputs: [0],
    outputs: [1],
    parameters: new Map(parameters),
    quantizers: new Map(),
  };
}

const f32 = (n: number) => ({ shape: [n], data: new Float32Array(n) });

/** A node of two channels, 7 weights of ±127 each and one of `last` in channel 1; distance 255. */
function twoChannels(op: 'dense' | 'depthwiseConv2d', bias: number): Graph {
  const depthwise = op === 'depthwiseConv2d';
  const shape = depthwise ? [2, 4, 2] : [2, 8];
  const isSecond = (i: number) => (depthwise ? i % 2 === 1 : i >= 8);
  const data = Int8Array.from({ length: 16 }, (_, i) => (isSecond(i) ? (i & 2 ? 127 : -127) : 1));
  const constants = [{ shape, data }, f32(2), f32(2), { shape: [2], data: Int32Array.of(0, bias) }];
  const [x, y] = depthwise
    ? [
        [2, 4, 2],
        [1, 1, 2],
      ]
    : [[8], [2]];
  return oneNode(op, x!, y!, constants, ['i8', 'f32', 'f32', 'i32']);
}

describe('validateGraph', () => {
  test('accepts every integer op', () => {
    expect(() => validateGraph(tinyGraph())).not.toThrow();
  });

  test.each(['dense', 'depthwiseConv2d'] as const)('bounds accumulators of %s exactly', (op) => {
    const room = 2 ** 31 - 1 - 255 * 8 * 127;
    expect(() => validateGraph(twoChannels(op, room))).not.toThrow();
    expect(() => validateGraph(twoChannels(op, -room))).not.toThrow();
    const message =
      /^graph: node n: the accumulator of channel 1 must stay below 2\^31, got 2147483648$/;
    expect(() => validateGraph(twoChannels(op, room + 1))).toThrow(message);
    expect(() => validateGraph(twoChannels(op, -room - 1))).toThrow(message);
  });

  test('bounds the sum of a global pool', () => {
    const pool = (width: number) =>
      oneNode('globalAveragePool2d', [1024, width, 1], [1], [f32(1)], ['f32']);
    // 255 · 1024 · 8224 < 2³¹ ≤ 255 · 1024 · 8225
    expect(() => validateGraph(pool(8224))).not.toThrow();
    expect(() => validateGraph(pool(8225))).toThrow(
      /^graph: node n: the sum must stay below 2\^31, got 8422400 addends$/,
    );
  });

  test('refuses a graph that still has quantizers', () => {
    const graph = { ...tinyGraph(), quantizers: new Map([[0, {} as never]]) };
    expect(() => validateGraph(graph)).toThrow(
      /^graph: an integer graph has no quantizers, got 1$/,
    );
  });

  test('refuses a float graph, whose structure is good', () => {
    const graph = tinyGraph();
    const values = graph.values.map(({ name, shape }) => ({ name, shape, dtype: 'f32' as const }));
    expect(() => checkStructure({ ...graph, values })).not.toThrow();
    expect(() => validateGraph({ ...graph, values })).toThrow(
      /^graph: value c\/kernel: the parameter must have 54 values of f32, got 54 in a Int8Array$/,
    );
  });
});
