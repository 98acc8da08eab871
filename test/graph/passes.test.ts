import { describe, expect, test } from 'vitest';
import type { Attrs } from '../../src/core/op.ts';
import type { QParams } from '../../src/core/qparams.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Graph, ValueId } from '../../src/graph/graph.ts';
import { compact } from '../../src/graph/passes/compact.ts';
import {
  composeLookups,
  foldClamps,
  foldPads,
  foldSpaceToBatch,
  fuse,
} from '../../src/graph/passes/fuse.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import { type Form, GraphWriter } from '../../src/interop/tflite/writer.ts';
import type { OpName } from '../../src/ops/table.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';

const Q: QParams = { scale: [0.0625], zeroPoint: 4, qmin: -128, qmax: 127 };
const OUT: QParams = { scale: [0.25], zeroPoint: -10, qmin: -128, qmax: 127 };
const i8 = (qparams: QParams): Form => ({ dtype: 'i8', qparams });
const PLAIN = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
};
const NONE = [0, 0];

/** Writes integer graphs node by node. */
class Draft {
  readonly writer = new GraphWriter();
  readonly rng = new Rng(5);
  readonly input: ValueId;

  constructor(shape: Shape = [-1, 6, 8, 3]) {
    this.input = this.writer.activation('input', shape, i8(Q));
  }

  node(op: OpName, x: ValueId, attrs: Attrs = {}, qparams = this.writer.qparams(x)): ValueId {
    return this.writer.node(op, op, [x], attrs, i8(qparams));
  }

  /** A convolution of 3x3 with random weights; `channels` of output. */
  conv(x: ValueId, attrs: Attrs = PLAIN, qparams = OUT, channels = 4): ValueId {
    const shape = [channels, 3, 3, this.writer.value(x).shape[3]!];
    const data = Int8Array.from({ length: sizeOf(shape) }, () => this.rng.below(255) - 127);
    const q = { scale: [0.0078125], zeroPoint: 0, qmin: -127, qmax: 127 };
    const w = this.writer.parameter('w', data, shape, { qparams: q });
    const factor = this.writer.parameter('m', new Float32Array(channels).fill(0.01));
    const addend = this.writer.parameter('b', new Float32Array(channels));
    return this.writer.node('conv2d', 'conv2d', [x, w], attrs, i8(qparams), [factor, addend]);
  }

  lookup(x: ValueId, entry: (byte: number) => number): ValueId {
    const table = this.writer.parameter(
      'table',
      Int8Array.from({ length: 256 }, (_, i) => entry(i)),
    );
    return this.writer.node('lookup', 'lookup', [x], {}, i8(OUT), [table]);
  }

  graph(...outputs: readonly ValueId[]): Graph {
    const graph = this.writer.finish({ name: 'test', inputs: [this.input], outputs });
    validateGraph(graph);
    return graph;
  }
}

const opsOf = ({ nodes }: Graph) => nodes.map(({ op }) => op);

/** Throws unless both graphs give the same integers. Returns the second one's ops. */
function sameOutputs(before: Graph, after: Graph): string[] {
  validateGraph(after);
  const rng = new Rng(9);
  const size = 2 * sizeOf(before.values[before.inputs[0]!]!.shape.slice(1));
  const input = Int8Array.from({ length: size }, () => rng.below(256) - 128);
  const [a, b] = [before, after].map((graph) => {
    const layers = interpret(graph, input, 2);
    return graph.outputs.map((id) => Array.from(layers.get(graph.values[id]!.name)!));
  });
  expect(b).toEqual(a);
  return opsOf(after);
}

describe('foldPads', () => {
  const pad = (padding: number[][], more: Attrs = {}) => ({
    padding,
    mode: 'constant',
    value: 0,
    ...more,
  });

  test('zeros around an image become padding of the convolution', () => {
    const draft = new Draft();
    const padded = draft.node('pad', draft.input, pad([[1, 2], [0, 3], NONE]));
    const attrs = { ...PLAIN, padding: [[1, 0], NONE], strides: [2, 1] };
    const before = draft.graph(draft.conv(padded, attrs));
    const after = compact(foldPads(before));
    expect(sameOutputs(before, after)).toEqual(['conv2d']);
    expect(after.nodes[0]!.attrs['padding']).toEqual([
      [2, 2],
      [0, 3],
    ]);
  });

  test.each([
    ['another value', pad([[1, 1], [1, 1], NONE], { value: 1 })],
    ['mirrored pixels', pad([[1, 1], [1, 1], NONE], { mode: 'reflect' })],
    [
      'more channels',
      pad([
        [1, 1],
        [1, 1],
        [0, 1],
      ]),
    ],
  ])('not %s', (_, attrs) => {
    const draft = new Draft();
    const graph = draft.graph(draft.conv(draft.node('pad', draft.input, attrs)));
    expect(opsOf(compact(foldPads(graph)))).toEqual(['pad', 'conv2d']);
  });

  test('a pad with another reader stays for that one', () => {
    const draft = new Draft();
    const padded = draft.node('pad', draft.input, pad([[1, 1], [1, 1], NONE]));
    const before = draft.graph(draft.conv(padded), draft.node('flatten', padded));
    expect(sameOutputs(before, compact(foldPads(before)))).toEqual(['pad', 'conv2d', 'flatten']);
  });
});

describe('foldSpaceToBatch', () => {
  const dilated = (padding: number[][], crops: number[][], attrs: Attrs = PLAIN) => {
    const draft = new Draft();
    const blocks = { blockShape: [2, 2] };
    const spread = draft.node('spaceToBatch', draft.input, { ...blocks, padding });
    const small = draft.conv(spread, attrs, { ...OUT, qmin: -10 });
    return draft.graph(draft.node('batchToSpace', small, { ...blocks, crops }, OUT));
  };

  test('is a dilated convolution with the padding of both, less the crops', () => {
    const before = dilated(
      [
        [2, 4],
        [2, 2],
      ],
      [[0, 2], NONE],
    );
    const after = fuse(before);
    expect(sameOutputs(before, after)).toEqual(['conv2d']);
    expect(after.nodes[0]!.attrs).toEqual({
      strides: [1, 1],
      padding: [
        [2, 2],
        [2, 2],
      ],
      dilation: [2, 2],
    });
    // The bounds of the convolution are those of the whole.
    expect(after.values[after.outputs[0]!]!.qparams!.qmin).toBe(-10);
  });

  test('padding of the convolution counts as often as it is dilated', () => {
    const attrs = { ...PLAIN, padding: [[1, 1], NONE] };
    const before = dilated([NONE, NONE], [NONE, NONE], attrs);
    const after = compact(foldSpaceToBatch(before));
    expect(sameOutputs(before, after)).toEqual(['conv2d']);
    expect(after.nodes[0]!.attrs['padding']).toEqual([[2, 2], NONE]);
  });

  test('not where it would have to crop, nor with strides', () => {
    const three = ['spaceToBatch', 'conv2d', 'batchToSpace'];
    expect(opsOf(fuse(dilated([NONE, NONE], [[1, 0], NONE])))).toEqual(three);
    const attrs = { ...PLAIN, strides: [1, 2] };
    expect(opsOf(fuse(dilated([NONE, [2, 2]], [NONE, NONE], attrs)))).toEqual(three);
  });
});

describe('foldClamps', () => {
  const relu: QParams = { ...OUT, qmin: -10 };

  test('a clamp behind an op that clamps is bounds of its output', () => {
    const draft = new Draft();
    const before = draft.graph(draft.node('relu', draft.conv(draft.input), {}, relu));
    const after = compact(foldClamps(before));
    expect(sameOutputs(before, after)).toEqual(['conv2d']);
    expect(after.values[after.outputs[0]!]).toMatchObject({ name: 'relu', qparams: relu });
  });

  test('bounds of both hold', () => {
    const draft = new Draft();
    const bounded = draft.conv(draft.input, PLAIN, { ...OUT, qmin: -20, qmax: 50 });
    const six = draft.node('relu6', bounded, {}, { ...OUT, qmin: -10, qmax: 14 });
    const before = draft.graph(draft.node('relu', six, {}, relu));
    const after = compact(foldClamps(before));
    expect(sameOutputs(before, after)).toEqual(['conv2d']);
    expect(after.values[after.outputs[0]!]!.qparams).toMatchObject({ qmin: -10, qmax: 14 });
  });

  test('not where another node reads what is not clamped, nor behind an op that only moves', () => {
    const draft = new Draft();
    const y = draft.conv(draft.input);
    const graph = draft.graph(draft.node('relu', y, {}, relu), draft.node('flatten', y));
    expect(opsOf(compact(foldClamps(graph)))).toEqual(['conv2d', 'relu', 'flatten']);
    const other = new Draft();
    const flat = other.node('flatten', other.input);
    const moved = other.graph(other.node('relu', flat, {}, { ...Q, qmin: 4 }));
    expect(opsOf(compact(foldClamps(moved)))).toEqual(['flatten', 'relu']);
  });
});

describe('composeLookups', () => {
  test('a table of what a table gives is one table', () => {
    const draft = new Draft();
    const first = draft.lookup(draft.input, (byte) => ((byte * 7) & 255) - 128);
    const second = draft.lookup(first, (byte) => ((byte * 11 + 5) & 255) - 128);
    const before = draft.graph(draft.lookup(second, (byte) => (byte ^ 85) - 128));
    expect(sameOutputs(before, compact(composeLookups(before)))).toEqual(['lookup']);
  });

  test('not where another node reads what is between', () => {
    const draft = new Draft();
    const first = draft.lookup(draft.input, (byte) => byte - 128);
    const second = draft.lookup(first, (byte) => 127 - byte);
    const graph = draft.graph(second, draft.node('flatten', first));
    expect(opsOf(fuse(graph))).toEqual(['lookup', 'lookup', 'flatten']);
  });
});

describe('compact', () => {
  test('drops what no output needs, and keeps the inputs', () => {
    const draft = new Draft();
    const unread = draft.writer.activation('unread', [-1, 2], i8(Q));
    draft.conv(draft.input);
    const y = draft.conv(draft.input);
    const graph = draft.writer.finish({
      name: 'test',
      inputs: [draft.input, unread],
      outputs: [y],
    });
    const after = compact(graph);
    expect(after.values.map(({ name }) => name)).toEqual([
      ...['input', 'unread', 'w_1', 'm_1', 'b_1', 'conv2d_1'],
    ]);
    expect(after.nodes).toMatchObject([{ name: 'conv2d_1', inputs: [0, 2, 3, 4], output: 5 }]);
    expect([...after.parameters.keys()]).toEqual([2, 3, 4]);
    expect(after).toMatchObject({ inputs: [0, 1], outputs: [5] });
    validateGraph(after);
  });

  test('leaves a graph as it is that has nothing to drop', () => {
    const draft = new Draft();
    const graph = draft.graph(draft.conv(draft.input));
    expect(compact(graph)).toBe(graph);
  });
});
