/**
 * Ops that take elements by lists of indices, one list an axis, in any order and as often as they like. They run as
 * gathers, each over one axis or two neighbouring ones.
 */

import type { StructFields } from '../core/abi.ts';
import { bytesOf } from '../core/dtype.ts';
import type { Lowering, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { moveMacs } from './movement.ts';

/** For each axis of x the indices that y takes, in order; all of them where there is no list. */
export type Lists = readonly (readonly number[] | undefined)[];

/** A gather from [outer, rows of x, columns of x, bytes] to [outer, rows, columns, bytes]. */
interface Gather {
  /** Shape of its output. */
  readonly shape: Shape;
  readonly outer: number;
  /** Offsets in bytes. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly bytes: number;
  readonly inBytes: number;
}

/** The gathers that make y of x one after the other; elements have `size` bytes. */
function gathersOf(x: Shape, lists: Lists, size: number): Gather[] {
  const gathers: Gather[] = [];
  let shape = x;
  for (let axis = 0; axis < lists.length; axis++) {
    const first = lists[axis];
    if (!first) continue;
    const second = lists[axis + 1];
    const next = second ? axis + 2 : axis + 1;
    const bytes = size * sizeOf(shape.slice(next));
    const pitch = bytes * (second ? shape[axis + 1]! : 1);
    const taken = [first.length, ...(second ? [second.length] : [])];
    const outer = sizeOf(shape.slice(0, axis));
    const inBytes = pitch * shape[axis]!;
    shape = [...shape.slice(0, axis), ...taken, ...shape.slice(next)];
    const pitched = first.map((i) => i * pitch);
    // A single list is the inner one: the kernel's loop runs over it.
    const [rows, columns] = second ? [pitched, second.map((i) => i * bytes)] : [[0], pitched];
    gathers.push({ shape, outer, rows, columns, bytes, inBytes });
    axis = next - 1;
  }
  return gathers;
}

function fieldsOf(
  { rows, columns, bytes, inBytes }: Gather,
  place: (list: Int32Array<ArrayBuffer>) => number,
): StructFields<'GatherParams'> {
  return {
    rows: rows.length,
    columns: columns.length,
    bytes,
    inBytes,
    rowOffsets: place(Int32Array.from(rows)),
    columnOffsets: place(Int32Array.from(columns)),
  };
}

/** Puts lists of offsets into memory that lives until the step ends. */
export function placeIn(cx: TrainContext) {
  return (list: Int32Array): number => {
    const ref = cx.alloc([list.length], 'i32');
    cx.i32(ref).set(list);
    return ref.ptr;
  };
}

/** y = x at the lists, of any element type. */
export function select(cx: TrainContext, x: Ref, lists: Lists): Ref {
  const place = placeIn(cx);
  let from = x;
  for (const gather of gathersOf(x.shape, lists, bytesOf[x.dtype])) {
    const y = cx.alloc(gather.shape, x.dtype);
    const params = cx.struct('GatherParams', fieldsOf(gather, place));
    cx.kernels.x8_gather(params, 0, gather.outer * gather.rows.length, from.ptr, y.ptr);
    from = y;
  }
  return from;
}

/** dx: every element of dy f32 added to the one of x that it was taken from. */
export function selectBackward(cx: TrainContext, dy: Ref, xShape: Shape, lists: Lists): Ref {
  const gathers = gathersOf(xShape, lists, 4);
  const shapes = [xShape, ...gathers.map(({ shape }) => shape)];
  return gathers.reduceRight((from, gather, i) => {
    const dx = cx.zeros(shapes[i]!);
    const params = cx.struct('GatherParams', fieldsOf(gather, placeIn(cx)));
    cx.kernels.f32_scatter_add(params, 0, gather.outer, from.ptr, dx.ptr);
    return dx;
  }, dy);
}

/** y = x at the lists, as calls of the plan. */
export function lowerSelect(cx: Lowering, lists: Lists): void {
  const [x] = cx.x;
  const size = bytesOf[cx.y.dtype];
  const gathers = gathersOf(x!.shape, lists, size);
  let from = x!.ptr;
  gathers.forEach((gather, i) => {
    const { outer, rows, columns, bytes, shape } = gather;
    const x = from;
    const y = i === gathers.length - 1 ? cx.y.ptr : cx.scratch(size * sizeOf(shape));
    const params = cx.struct(
      'GatherParams',
      fieldsOf(gather, (list) => cx.constant(list)),
    );
    const worth = columns.length * moveMacs(bytes);
    cx.parallel('x8_gather', outer * rows.length, worth, (at, n) => [params, at, n, x, y]);
    from = y;
  });
}
