import { rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule } from '../core/op.ts';
import { sampleSize, showShape } from '../core/shape.ts';

/** y [N, …product of the rest]: the same elements, one axis */
export const flatten = {
  name: 'flatten',
  inferShape([x]) {
    if (!x || x.length < 2)
      throw rangeError('flatten', 'the input must be [N,…]', x && showShape(x));
    return [x[0]!, sampleSize(x)];
  },
} as const satisfies OpDef;

export const flattenF32: F32Rule = {
  forward: (_cx, [x]) => ({ output: { ...x!, shape: flatten.inferShape([x!.shape]) } }),
  backward: (_cx, dy, { inputs: [x] }) => [{ ...dy, shape: x!.shape }],
};

export const flattenQat: QatKeepRule = {
  kind: 'keep',
  forward: (_cx, { q }) => ({ ...q, shape: flatten.inferShape([q.shape]) }),
  backward: (_cx, dy, { q }) => ({ ...dy, shape: q.shape }),
};

export const flattenForm: IntForm = { activations: 1, from: ANY_TYPE, keepsScale: true };

/** No step: the plan gives the output the address of the input. */
export const flattenInt: IntRule = { alias: true, lower: () => {} };
