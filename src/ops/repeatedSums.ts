import type { Ref, TrainContext } from '../core/op.ts';
import { type Shape, sameShape, sizeOf } from '../core/shape.ts';
import { stepsIn } from './broadcast.ts';
import { sumChunks } from './chunks.ts';

/** Neighbouring axes that a tensor has or is repeated along. */
interface Group {
  readonly extent: number;
  readonly repeated: boolean;
}

function groupsOf(shape: Shape, out: Shape): Group[] {
  const steps = stepsIn(shape, out);
  const groups: Group[] = [];
  for (const [axis, extent] of out.entries()) {
    const repeated = steps[axis] === 0;
    const last = groups.at(-1);
    if (extent === 1) continue;
    if (last?.repeated !== repeated) groups.push({ extent, repeated });
    else groups[groups.length - 1] = { extent: extent * last.extent, repeated };
  }
  return groups;
}

const extents = (groups: readonly Group[]) => sizeOf(groups.map(({ extent }) => extent));

/** sums[inner] += Σ over n rows of x, or of the product of two, each [n, inner] from element `at` on */
type Accumulate = (n: number, inner: number, at: number, sums: number) => void;

function sumsOf({ kernels }: TrainContext, x: Ref): Accumulate {
  return (n, inner, at, sums) => {
    if (inner === 1) kernels.f32_row_sums(1, n, x.ptr + 4 * at, sums);
    else kernels.f32_column_sums(n, inner, x.ptr + 4 * at, sums);
  };
}

/** Σ over the outermost group, which holds the batch: in the chunks of a sum over it. */
function sumBatch(
  cx: TrainContext,
  batch: number,
  [n, inner]: readonly [number, number],
  accumulate: Accumulate,
): Ref {
  const rows = n / batch;
  return sumChunks(cx, batch, [inner], (first, count, into) => {
    accumulate(count * rows, inner, first * rows * inner, into.ptr);
  });
}

/** [outer, inner] from [outer, n, inner] */
function sumMiddle(
  cx: TrainContext,
  [outer, n, inner]: readonly [number, number, number],
  accumulate: Accumulate,
): Ref {
  const y = cx.zeros([outer, inner]);
  cx.together(() => {
    for (let o = 0; o < outer; o++) accumulate(n, inner, o * n * inner, y.ptr + 4 * o * inner);
  });
  return y;
}

/** Sums x, which has the extents of `groups`, over those that are repeated, the innermost first. */
function sumGroups(
  cx: TrainContext,
  x: Ref,
  groups: readonly Group[],
  batch: number,
  accumulate = sumsOf(cx, x),
): Ref {
  const at = groups.findLastIndex(({ repeated }) => repeated);
  if (at < 0) return x;
  const { extent } = groups[at]!;
  const [before, after] = [groups.slice(0, at), groups.slice(at + 1)];
  const inner = extents(after);
  if (at === 0) return sumBatch(cx, batch, [extent, inner], accumulate);
  const outer = extents(before);
  if (inner > 1) {
    const sums = sumMiddle(cx, [outer, extent, inner], accumulate);
    return sumGroups(cx, sums, [...before, ...after], batch);
  }
  const sums = cx.zeros([outer]);
  cx.kernels.f32_row_sums(outer, extent, x.ptr, sums.ptr);
  return sumGroups(cx, sums, before, batch);
}

/** The sum of x over what a tensor of `shape` is repeated to in it; x itself where that is nothing. */
export function sumRepeated(cx: TrainContext, x: Ref, shape: Shape): Ref {
  if (sameShape(x.shape, shape)) return x;
  return { ...sumGroups(cx, x, groupsOf(shape, x.shape), x.shape[0]!), shape };
}

/** The same of a·b, two tensors of one shape, the last axis of which is not repeated. */
export function sumRepeatedProducts(
  cx: TrainContext,
  [a, b]: readonly [Ref, Ref],
  shape: Shape,
): Ref {
  const groups = groupsOf(shape, a.shape);
  const accumulate: Accumulate = (n, inner, at, sums) => {
    cx.kernels.f32_product_sums(n, inner, a.ptr + 4 * at, b.ptr + 4 * at, sums);
  };
  return { ...sumGroups(cx, a, groups, a.shape[0]!, accumulate), shape };
}
