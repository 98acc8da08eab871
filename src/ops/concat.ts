import { bytesOf } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatJoinRule, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import {
  checkAxes,
  checkAxis,
  lowerCopy,
  reversed,
  runCopies,
  runCopy,
  type Strided,
  type StridedCopy,
  strided,
  stridedValue,
} from './movement.ts';

export interface ConcatAttrs {
  /** Counted with the batch axis, which it cannot be. */
  readonly axis: number;
}

/** y = the inputs side by side along `axis`; all other axes are equal */
export const concat = {
  name: 'concat',
  inferShape(xs, { axis }) {
    const [first] = xs;
    checkAxes('concat', first);
    checkAxis('concat', axis, first);
    const along = (extent: number) => first.map((own, a) => (a === axis ? extent : own));
    const odd = xs.find((x) => !sameShape(x, along(x[axis]!)));
    if (odd)
      throw rangeError('concat', `all inputs must be like ${showShape(first)}`, showShape(odd));
    return along(xs.reduce((sum, x) => sum + x[axis]!, 0));
  },
} as const satisfies OpDef<ConcatAttrs>;

/** One copy an input. */
function copiesOf(xs: readonly Strided[], y: Strided, { axis }: ConcatAttrs): StridedCopy[] {
  let start = 0;
  return xs.map(({ shape, strides }) => {
    const outOffset = start * y.strides[axis]!;
    start += shape[axis]!;
    return { extents: shape, inStrides: strides, outStrides: y.strides, outOffset };
  });
}

function denseCopies(xs: readonly Shape[], y: Shape, attrs: ConcatAttrs): StridedCopy[] {
  const inputs = xs.map((shape) => strided(shape));
  return copiesOf(inputs, strided(y), attrs);
}

function join(cx: TrainContext, xs: readonly Ref[], attrs: ConcatAttrs): Ref {
  const shapes = xs.map(({ shape }) => shape);
  const y = cx.alloc(concat.inferShape(shapes, attrs), xs[0]!.dtype);
  denseCopies(shapes, y.shape, attrs).forEach((copy, i) => {
    runCopy(cx, copy, xs[i]!, y);
  });
  return y;
}

function part(cx: TrainContext, dy: Ref, xs: readonly Ref[], attrs: ConcatAttrs): Ref[] {
  const shapes = xs.map(({ shape }) => shape);
  return denseCopies(shapes, dy.shape, attrs).map((copy, i) =>
    runCopies(cx, [reversed(copy)], dy, shapes[i]!, 0),
  );
}

export const concatF32: F32Rule<ConcatAttrs> = {
  forward: (cx, xs, attrs) => ({ output: join(cx, xs, attrs) }),
  backward: (cx, dy, { inputs }, attrs) => part(cx, dy, inputs, attrs),
};

export const concatQat: QatJoinRule<ConcatAttrs> = {
  kind: 'join',
  forward: (cx, xs, attrs) =>
    join(
      cx,
      xs.map(({ q }) => q),
      attrs,
    ),
  backward: (cx, dy, xs, attrs) =>
    part(
      cx,
      dy,
      xs.map(({ q }) => q),
      attrs,
    ),
};

export const concatForm: IntForm = {
  activations: 'many',
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { axis: 1 },
};

export const concatInt: IntRule<ConcatAttrs> = {
  strided: true,
  lower(cx, attrs) {
    const { y } = cx;
    const size = bytesOf[y.dtype];
    copiesOf(cx.x.map(stridedValue), stridedValue(y), attrs).forEach((copy, i) => {
      lowerCopy(cx, copy, size, cx.x[i]!.ptr, y.ptr);
    });
  },
};
