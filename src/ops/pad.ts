import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import type { Pair } from './geometry.ts';
import {
  type CopiesOf,
  checkAxes,
  checkPerAxis,
  moveF32,
  moveInt,
  moveQat,
  offsetOf,
} from './movement.ts';
import { type Lists, lowerSelect, select, selectBackward } from './selection.ts';

export interface PadAttrs {
  /** [before, after] for each axis but the batch. */
  readonly padding: readonly Pair[];
  /** `value` all around, or x mirrored: without its outermost element (reflect) or with it (symmetric). */
  readonly mode: 'constant' | 'reflect' | 'symmetric';
  /** A real, for `constant`. */
  readonly value: number;
}

/** y = x with elements before and after along each axis but the batch */
export const pad = {
  name: 'pad',
  inferShape([x], { padding, mode }) {
    checkAxes('pad', x);
    checkPerAxis('pad', 'padding', padding, x);
    padding.forEach((sides, a) => {
      for (const side of sides) checkInteger('pad', 'padding', side, 0);
      const most = x[a + 1]! - (mode === 'reflect' ? 1 : 0);
      if (mode === 'constant' || Math.max(...sides) <= most) return;
      throw rangeError('pad', `padding of mode ${mode} must be at most ${most}`, sides);
    });
    return x.map((extent, axis) => (axis === 0 ? extent : extent + sum(padding[axis - 1]!)));
  },
} as const satisfies OpDef<PadAttrs>;

function sum([before, after]: Pair): number {
  return before + after;
}

const copiesOf: CopiesOf<PadAttrs> = (x, y, { padding }) => [
  {
    extents: x.shape,
    inStrides: x.strides,
    outStrides: y.strides,
    outOffset: offsetOf([0, ...padding.map(([before]) => before)], y),
  },
];

/** The elements of x in the order in which the mirrored y takes them. */
function mirrored(x: Shape, { padding, mode }: PadAttrs): Lists {
  const edge = mode === 'symmetric' ? 1 : 0;
  const index = (extent: number, i: number) => {
    const inside = i < 0 ? -i - edge : i;
    return inside < extent ? inside : 2 * extent - 2 - inside + edge;
  };
  const list = (extent: number, [before, after]: Pair) =>
    Array.from({ length: before + extent + after }, (_, i) => index(extent, i - before));
  // Axis 1 always has a list, so that there is a gather when nothing is padded.
  const lists = padding.map((sides, a) =>
    a === 0 || sum(sides) > 0 ? list(x[a + 1]!, sides) : undefined,
  );
  return [undefined, ...lists];
}

const restOf = ({ value }: PadAttrs) => value;
const constantF32 = /* @__PURE__ */ moveF32(pad, copiesOf, restOf);
const constantQat = /* @__PURE__ */ moveQat(pad, copiesOf, restOf);
const constantInt = /* @__PURE__ */ moveInt(copiesOf, restOf);

export const padF32: F32Rule<PadAttrs> = {
  forward(cx, inputs, attrs) {
    if (attrs.mode === 'constant') return constantF32.forward(cx, inputs, attrs);
    pad.inferShape([inputs[0]!.shape], attrs);
    return { output: select(cx, inputs[0]!, mirrored(inputs[0]!.shape, attrs)) };
  },
  backward(cx, dy, saved, attrs) {
    if (attrs.mode === 'constant') return constantF32.backward(cx, dy, saved, attrs);
    const { shape } = saved.inputs[0]!;
    return [selectBackward(cx, dy, shape, mirrored(shape, attrs))];
  },
};

/** Integers stand for the reals of x, so the value is rounded to its grid. */
export const padQat: QatKeepRule<PadAttrs> = {
  kind: 'keep',
  forward(cx, x, attrs) {
    if (attrs.mode === 'constant') return constantQat.forward(cx, x, attrs);
    return select(cx, x.q, mirrored(x.q.shape, attrs));
  },
  backward(cx, dy, x, y, attrs) {
    if (attrs.mode === 'constant') return constantQat.backward(cx, dy, x, y, attrs);
    return selectBackward(cx, dy, x.q.shape, mirrored(x.q.shape, attrs));
  },
};

export const padForm: IntForm<PadAttrs> = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: {
    padding: { list: [0, 0] },
    mode: { oneOf: ['constant', 'reflect', 'symmetric'] },
    value: 'real',
  },
};

export const padInt: IntRule<PadAttrs> = {
  lower(cx, attrs) {
    if (attrs.mode === 'constant') constantInt.lower(cx, attrs);
    else lowerSelect(cx, mirrored(cx.x[0]!.shape, attrs));
  },
};
