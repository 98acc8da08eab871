import { describe, expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { qatRule } from '../../src/autograd/rules.ts';
import type { Attrs, QRef } from '../../src/core/op.ts';
import type { QParams } from '../../src/core/qparams.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { type OpName, ops } from '../../src/ops/table.ts';
import * as attention from '../../src/runtime/reference/attention.ts';
import * as binary from '../../src/runtime/reference/binary.ts';
import type { Activation, ReferenceOp } from '../../src/runtime/reference/operands.ts';
import * as rows from '../../src/runtime/reference/rows.ts';

const f = Math.fround;
const image: Shape = [3, 4, 2, 5];

const cases: [OpName, ReferenceOp<never>, readonly Shape[], Attrs][] = [
  ['add', binary.add, [image, image], {}],
  ['add', binary.add, [image, [5]], {}],
  ['subtract', binary.subtract, [image, [3, 1, 2, 1]], {}],
  ['multiply', binary.multiply, [image, [3, 1, 1, 5]], {}],
  ['minimum', binary.minimum, [[3, 4, 1, 1], image], {}],
  ['maximum', binary.maximum, [image, image], {}],
  ['mean', rows.mean, [image], { axes: [1, 2], keepDims: false }],
  ['mean', rows.mean, [image], { axes: [3], keepDims: true }],
  ['softmax', rows.softmax, [image], {}],
  ['l2Normalize', rows.l2Normalize, [image], {}],
  ['layerNormalization', attention.layerNormalization, [image], { epsilon: 1e-3 }],
  ['attentionSoftmax', attention.attentionSoftmax, [image], { beta: 0.7, causal: false }],
  ['attentionSoftmax', attention.attentionSoftmax, [image], { beta: 0.3, causal: true }],
  ['matmul', attention.matmul, [image, [3, 4, 5, 7]], { transposeB: false }],
  ['matmul', attention.matmul, [image, [3, 4, 9, 5]], { transposeB: true }],
];

/** Of the first input, the second, and the output. */
const scales = [f(0.05), f(0.03), f(0.04)] as const;
const zeroPoints = [-7, 90, 11];

function draw(shape: Shape, i: number, rng: Rng): Activation {
  const data = Int8Array.from({ length: sizeOf(shape) }, () => rng.below(256) - 128);
  return { shape, dtype: 'i8', qparams: qparamsOf(i), data };
}

function qparamsOf(i: number): QParams {
  return { scale: [scales[i]!], zeroPoint: zeroPoints[i]!, qmin: -128, qmax: 120 };
}

/** Integers that evaluation makes of x, with the constants that conversion writes. */
function evaluate(op: OpName, x: readonly Activation[], attrs: Attrs) {
  return withDevice(async (device) => {
    const cx = new StepContext(device, false);
    const rule = qatRule(op);
    if (rule?.kind !== 'rescale') throw new Error(`${op} does not rescale`);
    const shapes = x.map(({ shape }) => shape);
    const inScales = x.map(({ qparams }) => qparams.scale[0]!);
    const reals = Array.from({ length: 2 }, () => Float32Array.of(0.5, -1, 0.2, 0, 1.5));
    const multipliers = rule.multipliers(inScales, scales[2], shapes, attrs as never, reals);
    const inputs = x.map(({ shape, data, qparams }): QRef => {
      const q = cx.alloc(shape, 'i8');
      cx.i8(q).set(data);
      return { q, ...qparams, scale: qparams.scale[0]! };
    });
    const out = { ...qparamsOf(2), scale: scales[2] };
    const y = rule.evaluate(cx, inputs, out, multipliers, attrs as never);
    const table = rule.table?.(inScales, attrs as never);
    const result = { y: cx.i8(y).slice(), shape: y.shape, multipliers, table };
    cx.end();
    return result;
  });
}

describe('evaluation of a quantized op gives the integers of table 1', () => {
  test.each(cases)('%s', async (op, reference, shapes, attrs) => {
    const rng = new Rng(51);
    const x = shapes.map((shape, i) => draw(shape, i, rng));
    const { y, shape, multipliers, table } = await evaluate(op, x, attrs);
    expect(shape).toEqual(ops[op].inferShape(shapes, attrs as never));
    const data = new Int8Array(sizeOf(shape));
    const constants = [table, multipliers]
      .filter((constant) => constant !== undefined)
      .map((constant) => ({ shape: [constant.length], data: constant }));
    const expected: Activation = { shape, dtype: 'i8', qparams: qparamsOf(2), data };
    reference({ x, constants, y: expected }, attrs as never);
    expect([...y]).toEqual([...data]);
    expect(new Set(data).size).toBeGreaterThan(2);
  });
});
