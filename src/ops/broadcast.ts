import { rangeError } from '../core/errors.ts';
import type { IntValue, Lowering, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import { lowerCopy, MAX_AXES, runCopy, type StridedCopy, strided } from './movement.ts';

/**
 * The shape of two operands together, as NumPy has it: axes are aligned at the last one, and an extent of 1 or an axis that
 * is not there is repeated. An open batch axis stays axis 0; constants have none. Throws a RangeError that starts with `op`.
 */
export function broadcastShapes(op: string, a: Shape | undefined, b: Shape | undefined): Shape {
  const got = () => [a, b].map((shape) => (shape ? showShape(shape) : 'none')).join(' and ');
  if (!a || !b) throw rangeError(op, 'there must be two operands', got());
  const axes = Math.max(a.length, b.length);
  if (axes > MAX_AXES) throw rangeError(op, `there must be at most ${MAX_AXES} axes`, got());
  const shape = Array.from({ length: axes }, (_, axis) => {
    const [p, q] = [a[axis - axes + a.length] ?? 1, b[axis - axes + b.length] ?? 1];
    if (p === q || q === 1) return p;
    if (p === 1) return q;
    throw rangeError(op, 'extents must be equal or 1', got());
  });
  if (shape.slice(1).every((extent) => extent > 0)) return shape;
  throw rangeError(op, 'the batch axis must stay the first', got());
}

/** For each axis of `out`, the elements from one index to the next in a dense tensor of `shape`; 0 where it repeats. */
export function stepsIn(shape: Shape, out: Shape): number[] {
  const { strides } = strided(shape);
  return out.map((_, axis) => {
    const own = axis - out.length + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : strides[own]!;
  });
}

function copyTo(shape: Shape, out: Shape): StridedCopy {
  return { extents: out, inStrides: stepsIn(shape, out), outStrides: strided(out).strides };
}

/** The integers of x as a tensor of shape `out`. */
export function expandRef(cx: TrainContext, x: Ref, out: Shape): Ref {
  if (sameShape(x.shape, out)) return x;
  const y = cx.alloc(out, x.dtype);
  runCopy(cx, copyTo(x.shape, out), x, y);
  return y;
}

/** The address of the i8 tensor x as one of shape `out`: its own, or scratch that an earlier step of the node fills. */
export function expandValue(cx: Lowering, { shape, ptr }: IntValue, out: Shape): number {
  const n = sizeOf(out);
  if (sizeOf(shape) === n) return ptr;
  const expanded = cx.scratch(n);
  lowerCopy(cx, copyTo(shape, out), 1, ptr, expanded);
  return expanded;
}
