/**
 * Ops that only move elements. Each says where its elements go as strided copies (`CopiesOf`) between two tensors whose
 * axes are walked with strides of their own; the rules of all of them are the same.
 */

import type { StructFields } from '../core/abi.ts';
import { arrayOf, bytesOf } from '../core/dtype.ts';
import { checkInteger, rangeError } from '../core/errors.ts';
import type {
  F32Rule,
  IntRule,
  IntValue,
  Lowering,
  OpDef,
  QatKeepRule,
  QRef,
  Ref,
  TrainContext,
} from '../core/op.ts';
import { ACTIVATION_RANGE } from '../core/qparams.ts';
import { roundToRange } from '../core/rounding.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';

/** A tensor and the elements from one index of each axis to the next. */
export interface Strided {
  readonly shape: Shape;
  readonly strides: readonly number[];
}

/** y[outOffset + Σ i·outStride] = x[inOffset + Σ i·inStride] for 0 ≤ i < extent, in elements, outermost axis first. */
export interface StridedCopy {
  readonly extents: readonly number[];
  readonly inStrides: readonly number[];
  readonly outStrides: readonly number[];
  readonly inOffset?: number;
  readonly outOffset?: number;
}

/** The copies of an op; no element of x or y is in two of them. */
export type CopiesOf<A> = (x: Strided, y: Strided, attrs: A) => readonly StridedCopy[];

/** Axes of a tensor that these ops take: as many as the kernel has. */
export const MAX_AXES = 6;

/** Row-major strides; `row` is from one row of the last axis to the next. */
export function strided(shape: Shape, row = shape.at(-1)!): Strided {
  const strides = shape.map((_, axis) =>
    axis === shape.length - 1 ? 1 : row * sizeOf(shape.slice(axis + 1, -1)),
  );
  return { shape, strides };
}

export function reversed(copy: StridedCopy): StridedCopy {
  const { extents, inStrides, outStrides, inOffset = 0, outOffset = 0 } = copy;
  return {
    extents,
    inStrides: outStrides,
    outStrides: inStrides,
    inOffset: outOffset,
    outOffset: inOffset,
  };
}

/** Σ index[a] · strides[a] */
export function offsetOf(index: readonly number[], { strides }: Strided): number {
  return index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
}

/** Throws a RangeError unless `x` is a batch with 1 to 5 more axes. */
export function checkAxes(op: string, x: Shape | undefined): asserts x is Shape {
  if (x && x.length >= 2 && x.length <= MAX_AXES) return;
  throw rangeError(op, `the input must be [N,…] with 2 to ${MAX_AXES} axes`, x && showShape(x));
}

/** Throws a RangeError unless `x` is [N,H,W,C]. */
export function checkImage(op: string, x: Shape | undefined): asserts x is Shape {
  if (x?.length !== 4) throw rangeError(op, 'the input must be [N,H,W,C]', x && showShape(x));
}

/** Throws a RangeError unless `list` has one entry for each axis of `x` but the batch. */
export function checkPerAxis(op: string, name: string, list: readonly unknown[], x: Shape): void {
  if (list.length === x.length - 1) return;
  throw rangeError(op, `${name} must have an entry for each of ${x.length - 1} axes`, list.length);
}

/** Throws a RangeError unless `axis` counts an axis of `x` that is not the batch. */
export function checkAxis(op: string, axis: number, x: Shape): void {
  checkInteger(op, 'axis', axis, 1, x.length - 1);
}

interface Axis {
  readonly extent: number;
  readonly from: number;
  readonly to: number;
}

/** An axis long enough to be shared by threads as two, if it has a divisor. */
function divided(axis: Axis): readonly Axis[] {
  const { extent, from, to } = axis;
  const parts = [16, 15, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2].find((n) => extent % n === 0);
  if (!parts || extent < 1024) return [axis];
  const inner = extent / parts;
  return [
    { extent: parts, from: from * inner, to: to * inner },
    { extent: inner, from, to },
  ];
}

/** What moving a run costs, in multiply-accumulates. */
export function moveMacs(bytes: number): number {
  return 16 + 3 * bytes;
}

/**
 * The kernel's view of a copy of elements of `size` bytes: axes of extent 1 left out, neighbours that are contiguous on
 * both sides made one, and the innermost, if it is contiguous, made a run of bytes. Axis 0, whose extent are the units
 * of the call, is the outermost.
 */
export function describeCopy({ extents, inStrides, outStrides }: StridedCopy, size: number) {
  const axes: Axis[] = [{ extent: size, from: 1, to: 1 }];
  for (let a = extents.length - 1; a >= 0; a--) {
    const [inner] = axes;
    const axis = { extent: extents[a]!, from: inStrides[a]! * size, to: outStrides[a]! * size };
    const reach = ({ extent, from, to }: Axis) => [extent * from, extent * to];
    const [from, to] = reach(inner!);
    if (axis.extent === 1) continue;
    if (axis.from !== from || axis.to !== to) axes.unshift(axis);
    else axes[0] = { ...inner!, extent: inner!.extent * axis.extent };
  }
  if (axes.length <= 2) axes.unshift(...divided(axes.shift()!));
  const bytes = axes.pop()!.extent;
  const none = { extent: 1, from: 0, to: 0 };
  // A single axis is the kernel's inner loop, unless its runs are so long that no loop shows.
  const after = axes.length > 1 || bytes >= 1024 ? 1 : 0;
  while (axes.length < MAX_AXES) axes.splice(after, 0, none);
  const fields: Record<string, number> = { bytes };
  axes.forEach(({ extent, from, to }, a) => {
    Object.assign(fields, {
      [`extent${a}`]: extent,
      [`inStride${a}`]: from,
      [`outStride${a}`]: to,
    });
  });
  const units = axes[0]!.extent;
  const runs = (sizeOf(extents) * size) / bytes;
  return { units, runs, bytes, fields: fields as unknown as StructFields<'CopyParams'> };
}

/** A copy between two arrays, in plain TypeScript. */
export function copyArray(copy: StridedCopy, x: Int8Array, y: Int8Array): void {
  const { extents, inStrides, outStrides, inOffset = 0, outOffset = 0 } = copy;
  const walk = (axis: number, from: number, to: number) => {
    if (axis === extents.length) y[to] = x[from]!;
    for (let i = 0; i < (extents[axis] ?? 0); i++) {
      walk(axis + 1, from + i * inStrides[axis]!, to + i * outStrides[axis]!);
    }
  };
  walk(0, inOffset, outOffset);
}

/** One element, repeated over all of y. */
function spread({ shape, strides }: Strided): StridedCopy {
  return { extents: shape, inStrides: shape.map(() => 0), outStrides: strides };
}

/** Whether the copies leave elements of `shape` out. */
function leavesOut(copies: readonly StridedCopy[], shape: Shape): boolean {
  return copies.reduce((sum, { extents }) => sum + sizeOf(extents), 0) < sizeOf(shape);
}

/** Copies into the dense tensor y, now. */
export function runCopy(cx: TrainContext, copy: StridedCopy, x: Ref, y: Ref): void {
  const size = bytesOf[x.dtype];
  const { units, fields } = describeCopy(copy, size);
  const from = x.ptr + size * (copy.inOffset ?? 0);
  const to = y.ptr + size * (copy.outOffset ?? 0);
  cx.kernels.x8_copy(cx.struct('CopyParams', fields), 0, units, from, to);
}

/** y of `shape` by copies out of x; what they leave out is the element `rest`, whose first bytes count. */
export function runCopies(
  cx: TrainContext,
  copies: readonly StridedCopy[],
  x: Ref,
  shape: Shape,
  rest: number,
): Ref {
  const y = cx.alloc(shape, x.dtype);
  if (leavesOut(copies, shape)) {
    const element = cx.alloc([1], x.dtype === 'f32' ? 'f32' : 'i32');
    (x.dtype === 'f32' ? cx.f32(element) : cx.i32(element))[0] = rest;
    runCopy(cx, spread(strided(shape)), { ...element, dtype: x.dtype }, y);
  }
  for (const copy of copies) if (sizeOf(copy.extents) > 0) runCopy(cx, copy, x, y);
  return y;
}

/**
 * A copy as a call of the plan, x and y addresses in bytes. What lies where it belongs is not copied; its struct is
 * made all the same, since the pass that only counts knows no addresses.
 */
export function lowerCopy(
  cx: Lowering,
  copy: StridedCopy,
  size: number,
  x: number,
  y: number,
): void {
  const { units, runs, bytes, fields } = describeCopy(copy, size);
  const params = cx.struct('CopyParams', fields);
  const from = x + size * (copy.inOffset ?? 0);
  const to = y + size * (copy.outOffset ?? 0);
  if (from === to) return;
  const worth = (runs / units) * moveMacs(bytes);
  // Bytes that change places go in blocks of 8.
  const grain = bytes === 1 && fields.inStride0 === 1 ? 8 : 1;
  cx.parallel('x8_copy', units, worth, (first, n) => [params, first, n, from, to], grain);
}

/** A value of the plan as strides in elements. */
export function stridedValue({ shape, dtype, stride }: IntValue): Strided {
  return strided(shape, stride / bytesOf[dtype]);
}

type Range = Pick<QRef, 'zeroPoint' | 'qmin' | 'qmax'>;

/** The integer of a real      quantization.md eq. (3) */
function integerOf(real: number, scale: number, { zeroPoint, qmin, qmax }: Range): number {
  const u = Math.fround(Math.fround(real) * Math.fround(1 / scale));
  return roundToRange(u, zeroPoint, qmin, qmax);
}

/** The element of y's type that stands for a real. */
function elementOf(real: number, { dtype, qparams }: IntValue) {
  if (dtype === 'f32' || dtype === 'i32') return arrayOf[dtype].of(real);
  return Int8Array.of(integerOf(real, qparams.scale[0]!, qparams));
}

/** What an op leaves out of y is the real that `restOf` gives, 0 if not given. */
type RestOf<A> = (attrs: A) => number;
const zero = () => 0;

/** The f32 rule of an op that moves the elements of one input. */
export function moveF32<A>(op: OpDef<A>, copiesOf: CopiesOf<A>, restOf: RestOf<A> = zero) {
  return {
    forward(cx, [x], attrs) {
      const shape = op.inferShape([x!.shape], attrs);
      const copies = copiesOf(strided(x!.shape), strided(shape), attrs);
      return { output: runCopies(cx, copies, x!, shape, restOf(attrs)) };
    },
    backward(cx, dy, { inputs: [x] }, attrs) {
      const copies = copiesOf(strided(x!.shape), strided(dy.shape), attrs);
      return [runCopies(cx, copies.map(reversed), dy, x!.shape, 0)];
    },
  } satisfies F32Rule<A>;
}

/** The same on integers. */
export function moveQat<A>(op: OpDef<A>, copiesOf: CopiesOf<A>, restOf: RestOf<A> = zero) {
  return {
    kind: 'keep',
    forward(cx, { q, scale, zeroPoint }, attrs) {
      // Bounds that a relu has left are not those of what surrounds the image.
      const range = { zeroPoint, ...ACTIVATION_RANGE };
      const shape = op.inferShape([q.shape], attrs);
      const copies = copiesOf(strided(q.shape), strided(shape), attrs);
      return runCopies(cx, copies, q, shape, integerOf(restOf(attrs), scale, range));
    },
    backward(cx, dy, { q }, _y, attrs) {
      const copies = copiesOf(strided(q.shape), strided(dy.shape), attrs);
      return runCopies(cx, copies.map(reversed), dy, q.shape, 0);
    },
  } satisfies QatKeepRule<A>;
}

/** The same as calls of the plan. */
export function moveInt<A>(copiesOf: CopiesOf<A>, restOf: RestOf<A> = zero) {
  return {
    strided: true,
    lower(cx, attrs) {
      const [x] = cx.x;
      const { y } = cx;
      const size = bytesOf[y.dtype];
      const copies = copiesOf(stridedValue(x!), stridedValue(y), attrs);
      if (leavesOut(copies, y.shape)) {
        const rest = cx.constant(elementOf(restOf(attrs), y));
        lowerCopy(cx, spread(stridedValue(y)), size, rest, y.ptr);
      }
      for (const copy of copies) lowerCopy(cx, copy, size, x!.ptr, y.ptr);
    },
  } satisfies IntRule<A>;
}
