import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule } from '../core/op.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';

export interface ReshapeAttrs {
  /** Axis 0 is the open batch axis: −k for k times the batch. */
  readonly shape: Shape;
}

/** y: the elements of x in the same order, with the axes `shape` */
export const reshape = {
  name: 'reshape',
  inferShape([x], { shape }) {
    if (!x || x.length < 1) throw rangeError('reshape', 'the input must be [N,…]', x?.length);
    checkInteger('reshape', 'the first extent of shape', -shape[0]!, 1);
    for (const extent of shape.slice(1)) checkInteger('reshape', 'extents of shape', extent, 1);
    // Both counts are negative in a graph, where the batch is open, and positive when it runs.
    const batch = sizeOf(x) / sizeOf(shape.slice(1));
    const y = [batch, ...shape.slice(1)];
    if (Number.isInteger(batch) && (batch > 0 || sameShape(y, shape))) return y;
    const expected = `the shape ${showShape(shape)} must have the elements of the input`;
    throw rangeError('reshape', expected, showShape(x));
  },
} as const satisfies OpDef<ReshapeAttrs>;

export const reshapeF32: F32Rule<ReshapeAttrs> = {
  forward: (_cx, [x], attrs) => ({
    output: { ...x!, shape: reshape.inferShape([x!.shape], attrs) },
  }),
  backward: (_cx, dy, { inputs: [x] }) => [{ ...dy, shape: x!.shape }],
};

export const reshapeQat: QatKeepRule<ReshapeAttrs> = {
  kind: 'keep',
  forward: (_cx, { q }, attrs) => ({ ...q, shape: reshape.inferShape([q.shape], attrs) }),
  backward: (_cx, dy, { q }) => ({ ...dy, shape: q.shape }),
};

export const reshapeForm: IntForm = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { shape: { list: 'i32' } },
};

/** No step: the plan gives the output the address of the input. */
export const reshapeInt: IntRule = { alias: true, lower: () => {} };
