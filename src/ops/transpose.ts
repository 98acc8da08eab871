import { rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { OpDef } from '../core/op.ts';
import { type CopiesOf, checkAxes, moveF32, moveInt, moveQat } from './movement.ts';

export interface TransposeAttrs {
  /** Axis of x for each axis of y; the batch stays first. */
  readonly perm: readonly number[];
}

/** y[i_0, i_1, …] = x with i_a in place of its axis perm[a] */
export const transpose = {
  name: 'transpose',
  inferShape([x], { perm }) {
    checkAxes('transpose', x);
    const sorted = [...perm].sort((a, b) => a - b);
    const axes = perm.length === x.length && sorted.every((axis, i) => axis === i);
    if (axes && perm[0] === 0) return perm.map((axis) => x[axis]!);
    const expected = `perm must be 0 and a permutation of 1 to ${x.length - 1}`;
    throw rangeError('transpose', expected, perm);
  },
} as const satisfies OpDef<TransposeAttrs>;

const copiesOf: CopiesOf<TransposeAttrs> = (x, y, { perm }) => [
  { extents: y.shape, inStrides: perm.map((axis) => x.strides[axis]!), outStrides: y.strides },
];

export const transposeF32 = /* @__PURE__ */ moveF32(transpose, copiesOf);
export const transposeQat = /* @__PURE__ */ moveQat(transpose, copiesOf);

export const transposeForm: IntForm = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { perm: { list: 0 } },
};

export const transposeInt = /* @__PURE__ */ moveInt(copiesOf);
