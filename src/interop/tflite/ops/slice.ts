/** Ops that take a part of a tensor, or cut it into parts. */

import type { Shape } from '../../../core/shape.ts';
import type { ValueId } from '../../../graph/graph.ts';
import type { OpContext } from '../context.ts';
import { refuse } from '../refusal.ts';
import { stridedRange } from './strides.ts';

/** Axes other than the batch from `begin` on, `size` elements of them, `strides` apart; one entry for each. */
function slice(
  cx: OpContext,
  x: ValueId,
  begin: Shape,
  size: Shape,
  strides: Shape,
  name = cx.name,
) {
  const whole = cx.shape(x).slice(1);
  const all = whole.every((extent, i) => begin[i] === 0 && size[i] === extent && strides[i] === 1);
  return all ? x : cx.keep('slice', x, { begin, size, strides }, name);
}

export function plainSlice(cx: OpContext): void {
  const x = cx.x();
  const shape = cx.tensor(0).shape;
  const begin = cx.integers(1);
  const given = cx.integers(2);
  if (begin.length !== shape.length || given.length !== shape.length) {
    throw refuse(`a begin and a size for ${shape.length} axes`, begin);
  }
  const size = given.map((extent, i) => (extent === -1 ? shape[i]! - begin[i]! : extent));
  if (begin[0] !== 0 || size[0] !== shape[0]) throw refuse('the whole batch', `${size[0]} of it`);
  checkSlice(shape, begin, size);
  const strides = shape.slice(1).map(() => 1);
  cx.bind(slice(cx, x, begin.slice(1), size.slice(1), strides));
}

function checkSlice(shape: Shape, begin: Shape, size: Shape): void {
  const outside = shape.findIndex(
    (extent, i) => begin[i]! < 0 || size[i]! < 1 || begin[i]! + size[i]! > extent,
  );
  if (outside < 0) return;
  const got = `${size[outside]} from ${begin[outside]} on`;
  throw refuse(`a slice inside the ${shape[outside]} elements of axis ${outside}`, got);
}

export function stridedSlice(cx: OpContext): void {
  const x = cx.x();
  const { shape } = cx.tensor(0);
  const masks = {
    begin: cx.number('beginMask'),
    end: cx.number('endMask'),
    ellipsis: cx.number('ellipsisMask'),
    newAxis: cx.number('newAxisMask'),
    shrinkAxis: cx.number('shrinkAxisMask'),
  };
  if (cx.number('offset') !== 0) throw refuse('ends that are positions', 'offsets');
  const lists = [1, 2, 3].map((i) => cx.integers(i));
  const range = stridedRange(shape, lists[0]!, lists[1]!, lists[2]!, masks);
  const { begin, size, strides } = range;
  if (begin[0] !== 0 || size[0] !== shape[0] || strides[0] !== 1) {
    throw refuse('the whole batch', `${size[0]} of ${shape[0]} from ${begin[0]} on`);
  }
  const y = slice(cx, x, begin.slice(1), size.slice(1), strides.slice(1));
  cx.bind(cx.reshape(y, cx.outShape()));
}

/** SPLIT (axis, x) into equal parts. */
export function split(cx: OpContext): void {
  const x = cx.x(1);
  const axis = cx.axis(cx.integers(0)[0] ?? 0, cx.shape(x).length);
  const extent = cx.shape(x)[axis]!;
  const parts = cx.operator.outputs.length;
  if (extent % parts !== 0) throw refuse(`an axis whose extent ${parts} divides`, extent);
  splitInto(cx, x, axis, Array(parts).fill(extent / parts));
}

/** SPLIT_V (x, sizes, axis). */
export function splitV(cx: OpContext): void {
  const x = cx.x();
  const sizes = cx.integers(1);
  const axis = cx.axis(cx.integers(2)[0] ?? 0, cx.shape(x).length);
  const extent = cx.shape(x)[axis]!;
  const known = sizes.filter((size) => size !== -1).reduce((sum, size) => sum + size, 0);
  const full = sizes.map((size) => (size === -1 ? extent - known : size));
  const total = full.reduce((sum, size) => sum + size, 0);
  if (
    total !== extent ||
    full.some((size) => size < 1) ||
    full.length !== cx.operator.outputs.length
  ) {
    throw refuse(`sizes that add up to ${extent}`, sizes);
  }
  splitInto(cx, x, axis, full);
}

function splitInto(cx: OpContext, x: ValueId, axis: number, sizes: readonly number[]): void {
  const whole = cx.shape(x).slice(1);
  let from = 0;
  sizes.forEach((extent, i) => {
    const begin = whole.map((_, other) => (other === axis - 1 ? from : 0));
    const size = whole.map((all, other) => (other === axis - 1 ? extent : all));
    const part = slice(
      cx,
      x,
      begin,
      size,
      whole.map(() => 1),
      `${cx.name}/part_${i}`,
    );
    cx.bind(part, i);
    from += extent;
  });
}

/** UNPACK: slices of extent 1, without their axis. */
export function unpack(cx: OpContext): void {
  const x = cx.x();
  const whole = cx.shape(x);
  const axis = cx.axis(cx.number('axis'), whole.length);
  if (whole[axis] !== cx.operator.outputs.length) {
    throw refuse(`an output for each of ${whole[axis]} elements`, cx.operator.outputs.length);
  }
  const rest = whole.slice(1);
  cx.operator.outputs.forEach((_, i) => {
    const begin = rest.map((_, other) => (other === axis - 1 ? i : 0));
    const size = rest.map((all, other) => (other === axis - 1 ? 1 : all));
    const part = slice(
      cx,
      x,
      begin,
      size,
      rest.map(() => 1),
      `${cx.name}/part_${i}`,
    );
    cx.bind(
      cx.reshape(
        part,
        whole.filter((_, other) => other !== axis),
      ),
      i,
    );
  });
}
