import { rangeError } from '../core/errors.ts';
import type { FormNode, IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatPickRule, Ref, TrainContext } from '../core/op.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { checkIndices } from './gather.ts';
import { select, selectBackward } from './selection.ts';

/** y[…, c] = table[x[…], c]      x [N,…] whole numbers in [0, V), table [V,C], y [N,…,C] */
export const embedding = {
  name: 'embedding',
  inferShape([x, table]) {
    const got = () => [x, table].map((shape) => (shape ? showShape(shape) : 'none')).join(' and ');
    if (x && x.length >= 2 && table?.length === 2) return [...x, table[1]!];
    throw rangeError('embedding', 'the input must be [N,…] and the table [V,C]', got());
  },
} as const satisfies OpDef;

/** In training indices come as f32, which is exact up to 2²⁴. */
function indicesOf(cx: TrainContext, x: Ref, table: Shape): number[] {
  const indices = Array.from(cx.f32(x));
  checkIndices('embedding', indices, table[0]!);
  return indices;
}

/** Rows of a table of any type. */
function pick(cx: TrainContext, x: Ref, table: Ref): Ref {
  const rows = select(cx, table, [indicesOf(cx, x, table.shape)]);
  return { ...rows, shape: embedding.inferShape([x.shape, table.shape]) };
}

/** The gradient of a row is the sum over the places that took it, one after another. */
function pickBackward(cx: TrainContext, dy: Ref, x: Ref, table: Shape): Ref {
  return selectBackward(cx, dy, table, [indicesOf(cx, x, table)]);
}

/** Indices have no gradient. */
export const embeddingF32: F32Rule = {
  forward: (cx, [x, table]) => ({ output: pick(cx, x!, table!) }),
  backward: (cx, dy, { inputs: [x, table], wants }) => [
    undefined,
    wants[1] ? pickBackward(cx, dy, x!, table!.shape) : undefined,
  ],
};

export const embeddingQat: QatPickRule = {
  kind: 'pick',
  forward: (cx, x, table) => pick(cx, x, table.q),
  backward: pickBackward,
};

/** y has the scale and zero point of the table. */
function checkTable({ constants: [table], y }: FormNode, where: string): void {
  const [a, b] = [table!.qparams, y.qparams!];
  if (a && a.scale[0] === b.scale[0] && a.zeroPoint === b.zeroPoint && a.axis === undefined) return;
  const expected = `the table must have the scale ${b.scale[0]} and zero point ${b.zeroPoint} of the output`;
  throw rangeError(where, expected, a ? `${a.scale[0]} and ${a.zeroPoint}` : 'none');
}

export const embeddingForm: IntForm = {
  activations: 1,
  from: ['i32'],
  to: ['i8'],
  constants: () => [{ name: 'table', dtype: 'i8' }],
  shapedByConstants: true,
  check: checkTable,
};

export const embeddingInt: IntRule = {
  lower(cx) {
    const [x] = cx.x;
    const [table] = cx.constants;
    const [rows, bytes] = table!.shape as [number, number];
    const entries = cx.constant(Int8Array.from(table!.data));
    cx.parallel('x8_embedding', sizeOf(x!.shape), bytes, (first, count) => {
      return [count, rows, bytes, x!.ptr + 4 * first, entries, cx.y.ptr + bytes * first];
    });
  },
};
