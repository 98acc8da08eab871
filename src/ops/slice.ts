import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { OpDef } from '../core/op.ts';
import {
  type CopiesOf,
  checkAxes,
  checkPerAxis,
  moveF32,
  moveInt,
  moveQat,
  offsetOf,
} from './movement.ts';

/** Lists with an entry for each axis but the batch. */
export interface SliceAttrs {
  /** The first element taken. */
  readonly begin: readonly number[];
  /** How many are taken. */
  readonly size: readonly number[];
  /** From one to the next; negative goes backwards. */
  readonly strides: readonly number[];
}

/** y[n, i_1, …] = x[n, begin_1 + i_1·strides_1, …], 0 ≤ i < size */
export const slice = {
  name: 'slice',
  inferShape([x], { begin, size, strides }) {
    checkAxes('slice', x);
    for (const [name, list] of Object.entries({ begin, size, strides })) {
      checkPerAxis('slice', name, list, x);
    }
    size.forEach((count, a) => {
      const extent = x[a + 1]!;
      checkInteger('slice', 'size', count, 1);
      checkInteger('slice', 'begin', begin[a]!, 0, extent - 1);
      checkInteger('slice', 'strides', Math.abs(strides[a]!), 1);
      const last = begin[a]! + (count - 1) * strides[a]!;
      if (last >= 0 && last < extent) return;
      throw rangeError('slice', `the last element of axis ${a + 1} must be below ${extent}`, last);
    });
    return [x[0]!, ...size];
  },
} as const satisfies OpDef<SliceAttrs>;

const copiesOf: CopiesOf<SliceAttrs> = (x, y, attrs) => {
  const steps = [1, ...attrs.strides];
  return [
    {
      extents: y.shape,
      inStrides: x.strides.map((stride, axis) => stride * steps[axis]!),
      outStrides: y.strides,
      inOffset: offsetOf([0, ...attrs.begin], x),
    },
  ];
};

export const sliceF32 = /* @__PURE__ */ moveF32(slice, copiesOf);
export const sliceQat = /* @__PURE__ */ moveQat(slice, copiesOf);

export const sliceForm: IntForm = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { begin: { list: 0 }, size: { list: 1 }, strides: { list: 'i32' } },
};

export const sliceInt = /* @__PURE__ */ moveInt(copiesOf);
