import { quantize } from '../../core/rounding.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { ConcatAttrs } from '../../ops/concat.ts';
import type { BlockSizeAttrs } from '../../ops/depthToSpace.ts';
import type { GatherAttrs } from '../../ops/gather.ts';
import type { PadAttrs } from '../../ops/pad.ts';
import type { SliceAttrs } from '../../ops/slice.ts';
import type { BatchToSpaceAttrs, SpaceToBatchAttrs } from '../../ops/spaceToBatch.ts';
import type { TransposeAttrs } from '../../ops/transpose.ts';
import type { Activation, ReferenceOp } from './operands.ts';

/** Ops whose output elements are input elements, one index at a time. */

type Index = readonly number[];

/** Visits the indices of a shape in row-major order. */
function forEachIndex(shape: Shape, visit: (index: Index, at: number) => void): void {
  const index = shape.map(() => 0);
  for (let at = 0; at < sizeOf(shape); at++) {
    visit(index, at);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) {
      index[axis] = 0;
    }
  }
}

/** The element of `x` at an index. */
function elementAt({ shape, data }: Activation, index: Index): number {
  return data[index.reduce((at, i, axis) => at * shape[axis]! + i, 0)]!;
}

/** Fills y with the elements of x at the indices that `from` gives; undefined stands for the real `outside`. */
function take(
  x: Activation,
  y: Activation,
  from: (index: Index) => Index | undefined,
  outside = 0,
): void {
  const rest = elementFor(outside, y);
  forEachIndex(y.shape, (index, at) => {
    const source = from(index);
    y.data[at] = source ? elementAt(x, source) : rest;
  });
}

function elementFor(real: number, { dtype, qparams }: Activation): number {
  if (dtype !== 'i8' && dtype !== 'u8') return real;
  const { scale, zeroPoint, qmin, qmax } = qparams;
  return quantize(real, Math.fround(1 / scale[0]!), zeroPoint, qmin, qmax);
}

export const transpose: ReferenceOp<TransposeAttrs> = ({ x: [x], y }, { perm }) => {
  take(x!, y, (index) => x!.shape.map((_, axis) => index[perm.indexOf(axis)]!));
};

export const slice: ReferenceOp<SliceAttrs> = ({ x: [x], y }, { begin, strides }) => {
  take(x!, y, ([n, ...rest]) => [n!, ...rest.map((i, a) => begin[a]! + i * strides[a]!)]);
};

export const concat: ReferenceOp<ConcatAttrs> = ({ x: xs, y }, { axis }) => {
  forEachIndex(y.shape, (index, at) => {
    let [which, i] = [0, index[axis]!];
    while (i >= xs[which]!.shape[axis]!) i -= xs[which++]!.shape[axis]!;
    y.data[at] = elementAt(
      xs[which]!,
      index.map((own, a) => (a === axis ? i : own)),
    );
  });
};

export const pad: ReferenceOp<PadAttrs> = ({ x: [x], y }, { padding, mode, value }) => {
  const inside = (i: number, extent: number) => {
    if (mode === 'constant' || (i >= 0 && i < extent)) return i;
    const edge = mode === 'symmetric' ? 1 : 0;
    return i < 0 ? -i - edge : 2 * (extent - 1) - i + edge;
  };
  const from = ([n, ...rest]: Index) => {
    const index = rest.map((i, a) => inside(i - padding[a]![0], x!.shape[a + 1]!));
    return index.every((i, a) => i >= 0 && i < x!.shape[a + 1]!) ? [n!, ...index] : undefined;
  };
  take(x!, y, from, value);
};

export const gather: ReferenceOp<GatherAttrs> = ({ x: [x], constants: [indices], y }, { axis }) => {
  const { shape, data } = indices!;
  take(x!, y, (index) => {
    const at = shape.reduce((sum, extent, a) => sum * extent + index[axis + a]!, 0);
    return [...index.slice(0, axis), data[at]!, ...index.slice(axis + shape.length)];
  });
};

export const depthToSpace: ReferenceOp<BlockSizeAttrs> = ({ x: [x], y }, { blockSize: b }) => {
  const channels = y.shape[3]!;
  take(x!, y, ([n, row, column, c]) => {
    const block = (row! % b) * b + (column! % b);
    return [n!, Math.floor(row! / b), Math.floor(column! / b), block * channels + c!];
  });
};

export const spaceToDepth: ReferenceOp<BlockSizeAttrs> = ({ x: [x], y }, { blockSize: b }) => {
  const channels = x!.shape[3]!;
  take(x!, y, ([n, row, column, k]) => {
    const block = Math.floor(k! / channels);
    return [n!, row! * b + Math.floor(block / b), column! * b + (block % b), k! % channels];
  });
};

export const spaceToBatch: ReferenceOp<SpaceToBatchAttrs> = ({ x: [x], y }, attrs) => {
  const [bh, bw] = attrs.blockShape;
  const [batch, height, width] = x!.shape as [number, number, number];
  take(x!, y, ([k, p, q, c]) => {
    const block = Math.floor(k! / batch);
    const row = p! * bh + Math.floor(block / bw) - attrs.padding[0][0];
    const column = q! * bw + (block % bw) - attrs.padding[1][0];
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    return inside ? [k! % batch, row, column, c!] : undefined;
  });
};

export const batchToSpace: ReferenceOp<BatchToSpaceAttrs> = ({ x: [x], y }, attrs) => {
  const [bh, bw] = attrs.blockShape;
  const batch = y.shape[0]!;
  take(x!, y, ([n, p, q, c]) => {
    const [row, column] = [p! + attrs.crops[0][0], q! + attrs.crops[1][0]];
    const block = (row % bh) * bw + (column % bw);
    return [block * batch + n!, Math.floor(row / bh), Math.floor(column / bw), c!];
  });
};
