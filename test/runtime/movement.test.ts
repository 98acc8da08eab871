import { describe, expect, test } from 'vitest';
import { arrayOf, type DType } from '../../src/core/dtype.ts';
import type { Attrs } from '../../src/core/op.ts';
import { Rng } from '../../src/core/rng.ts';
import { BATCH, type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Graph, Parameter, Value } from '../../src/graph/graph.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import type { OpName } from '../../src/ops/table.ts';
import { runLayers } from '../../src/runtime/layers.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { moduleOf, sharedModule } from '../helpers/memory.ts';
import { IntGraph } from './intGraph.ts';

interface OneOp {
  readonly op: OpName;
  readonly shapes: readonly Shape[];
  readonly y: Shape;
  readonly attrs: Attrs;
  readonly dtype?: DType;
  readonly constant?: Int32Array<ArrayBuffer>;
}

const QPARAMS = {
  i8: { scale: [0.5], zeroPoint: -3, qmin: -128, qmax: 127 },
  u8: { scale: [0.5], zeroPoint: 200, qmin: 0, qmax: 255 },
};

/** A graph of one node between values of one type. */
function graphOf({ op, shapes, y, attrs, dtype = 'i8', constant }: OneOp): Graph {
  const qparams = dtype === 'i8' || dtype === 'u8' ? { qparams: QPARAMS[dtype] } : {};
  const value = (name: string, shape: Shape): Value => ({ name, shape, dtype, ...qparams });
  const values = shapes.map((shape, i) => value(`x${i}`, shape));
  const output = values.push(value('y', y)) - 1;
  const inputs = shapes.map((_, i) => i);
  const parameters = new Map<number, Parameter>();
  const operands = [...inputs];
  if (constant) {
    const shape = [constant.length];
    const id = values.push({ name: 'indices', shape, dtype: 'i32' }) - 1;
    parameters.set(id, { name: 'indices', shape, trainable: false, decay: false, data: constant });
    operands.push(id);
  }
  const node = { op, name: 'n', inputs: operands, output, attrs };
  const rest = { parameters, quantizers: new Map(), outputs: [output] };
  return { name: 'one', values, nodes: [node], inputs, ...rest };
}

const x = [BATCH, 5, 6, 4];
const none = [
  [0, 0],
  [0, 0],
];

const cases: OneOp[] = [
  { op: 'transpose', shapes: [x], y: [BATCH, 4, 5, 6], attrs: { perm: [0, 3, 1, 2] } },
  { op: 'reshape', shapes: [x], y: [BATCH * 5, 24], attrs: { shape: [-5, 24] } },
  {
    ...{ op: 'slice', shapes: [x], y: [BATCH, 2, 6, 2] },
    attrs: { begin: [4, 0, 1], size: [2, 6, 2], strides: [-3, 1, 2] },
  },
  {
    ...{ op: 'pad', shapes: [x], y: [BATCH, 8, 6, 5] },
    attrs: { padding: [[1, 2], none[0]!, [0, 1]], mode: 'constant', value: 3 },
  },
  {
    ...{ op: 'pad', shapes: [x], y: [BATCH, 8, 6, 5] },
    attrs: { padding: [[1, 2], none[0]!, [0, 1]], mode: 'reflect', value: 3 },
  },
  {
    ...{ op: 'concat', shapes: [x, [BATCH, 5, 6, 3], x], y: [BATCH, 5, 6, 11] },
    attrs: { axis: 3 },
  },
  {
    ...{ op: 'gather', shapes: [x], y: [BATCH, 5, 3, 4], attrs: { axis: 2 } },
    constant: Int32Array.of(5, 0, 5),
  },
  {
    ...{ op: 'resize', shapes: [x], y: [BATCH, 7, 3, 4] },
    attrs: { size: [7, 3], method: 'nearest', alignCorners: false, halfPixelCenters: true },
  },
  { op: 'depthToSpace', shapes: [x], y: [BATCH, 10, 12, 1], attrs: { blockSize: 2 } },
];

const dtypes = ['i8', 'u8', 'i32', 'f32'] as const;
const typed = cases.flatMap((one) => dtypes.map((dtype) => ({ ...one, dtype })));

test.each(typed)('$op of $dtype equals the interpreter', (one) => {
  const graph = graphOf(one);
  validateGraph(graph);
  const rng = new Rng(3);
  const inputs = one.shapes.map((shape) => {
    const integers = Array.from({ length: 2 * sizeOf(shape.slice(1)) }, () => rng.below(256));
    return arrayOf[one.dtype].from(integers);
  });
  const plan = makePlan(graph, moduleOf('infer'), { batch: 2 });
  expect(runLayers(plan, inputs)).toEqual(interpret(graph, inputs, 2));
});

const refused: (OneOp & { message: string })[] = [
  {
    ...cases[6]!,
    constant: Int32Array.of(5, 6, 0),
    message: 'indices must be an integer in [0, 5], got 6',
  },
  {
    ...cases[6]!,
    constant: Int32Array.of(5, 0, -1),
    message: 'indices must be an integer in [0, 5], got -1',
  },
  {
    ...cases[7]!,
    dtype: 'u8',
    attrs: { ...cases[7]!.attrs, method: 'bilinear' },
    message: 'bilinear resizing takes i8, got u8',
  },
  {
    ...cases[7]!,
    attrs: { ...cases[7]!.attrs, method: 'cubic' },
    message: 'method: must be one of nearest, bilinear, got cubic',
  },
  {
    ...cases[0]!,
    attrs: { perm: [0, 1] },
    message: 'transpose: perm must be 0 and a permutation of 1 to 3, got [0,1]',
  },
  { ...cases[0]!, attrs: { perm: 5 }, message: 'perm: must be a list of at most 8, got 5' },
  {
    ...cases[1]!,
    attrs: { shape: [-1.5, 24] },
    message: 'shape: must be an integer in [-2147483647, 2147483647], got -1.5',
  },
  {
    ...cases[2]!,
    attrs: { ...cases[2]!.attrs, begin: [9, 0, 0] },
    message: 'slice: begin must be an integer in [0, 4], got 9',
  },
  {
    ...cases[3]!,
    attrs: { ...cases[3]!.attrs, value: Number.NaN },
    message: 'value: must be a real value',
  },
  {
    ...{ op: 'spaceToBatch', shapes: [[BATCH, 128, 64, 1]], y: [-8192, 1, 1, 1] },
    attrs: { blockShape: [128, 64], padding: none },
    message: 'there may be 4096 blocks, got 8192',
  },
];

test.each(refused)('refuses $op: $message', ({ message, ...one }) => {
  expect(() => validateGraph(graphOf(one))).toThrow(message);
});

describe('a concat whose operands are written in place', () => {
  test('copies nothing but what the graph is given', () => {
    const b = new IntGraph(1);
    const q = { zeroPoint: 4 };
    const given = b.input([3, 5, 7], q);
    const window = { begin: [0, 0, 1], size: [3, 5, 4], strides: [1, 1, 1] };
    const part = b.keep('slice', [given], window);
    const y = b.keep('concat', [part, given], { axis: 3 });
    const plan = makePlan(b.build([y]), moduleOf('infer'), { batch: 2 });
    expect(plan.nodes.map((steps) => steps.length)).toEqual([1, 1]);
  });
});

test('a transposed convolution has one product and one copy a phase, and none of them at stride 1', () => {
  const steps = (strides: readonly number[]) => {
    const b = new IntGraph(1);
    const attrs = { strides, padding: none, outputPadding: [0, 0] };
    const y = b.transposedConv2d(b.input([9, 9, 8]), [8, 4, 4], attrs);
    const plan = makePlan(b.build([y]), moduleOf('infer'), { batch: 1 });
    return plan.nodes[0]!.map(({ kernel }) => kernel);
  };
  expect(steps([2, 2]).filter((kernel) => kernel === 'x8_copy')).toHaveLength(4);
  expect(steps([1, 1])).not.toContain('x8_copy');
});

/** Large enough that their copies are worth cutting. */
const large: OneOp[] = [
  {
    ...{ op: 'transpose', shapes: [[BATCH, 64, 64, 40]], y: [BATCH, 40, 64, 64] },
    attrs: { perm: [0, 3, 1, 2] },
  },
  {
    op: 'concat',
    shapes: [
      [BATCH, 200, 170, 9],
      [BATCH, 200, 170, 14],
    ],
    y: [BATCH, 200, 170, 23],
    attrs: { axis: 3 },
  },
  {
    op: 'concat',
    shapes: [
      [BATCH, 4503, 301],
      [BATCH, 1, 301],
    ],
    y: [BATCH, 4504, 301],
    attrs: { axis: 1 },
  },
  {
    ...{ op: 'pad', shapes: [[BATCH, 160, 160, 20]], y: [BATCH, 162, 163, 20] },
    attrs: { padding: [[1, 1], [1, 2], none[0]!], mode: 'symmetric', value: 0 },
  },
  ...['nearest', 'bilinear'].map((method) => ({
    ...{ op: 'resize' as const, shapes: [[BATCH, 80, 80, 20]], y: [BATCH, 190, 181, 20] },
    attrs: { size: [190, 181], method, alignCorners: false, halfPixelCenters: true },
  })),
];

test.each(large)('$op with $attrs, in parts for threads', (one) => {
  const graph = graphOf(one);
  validateGraph(graph);
  const rng = new Rng(4);
  const inputs = one.shapes.map((shape) =>
    Int8Array.from({ length: sizeOf(shape.slice(1)) }, () => rng.below(256) - 128),
  );
  const whole = makePlan(graph, moduleOf('infer'), { batch: 1 });
  const plan = makePlan(graph, sharedModule(), { batch: 1, threads: 4 });
  expect(Math.max(...plan.nodes[0]!.map(({ parts }) => parts.length))).toBeGreaterThan(1);
  const [got, expected] = [runLayers(plan, inputs), runLayers(whole, inputs)].map(
    (layers) => new Uint8Array(layers.get('y')!.buffer),
  );
  expect(Buffer.compare(got!, expected!)).toBe(0);
});
