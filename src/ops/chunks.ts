import { bytesOf, type DType } from '../core/dtype.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { type Shape, sampleSize, sizeOf } from '../core/shape.ts';

/**
 * Sums over the batch run over this many parts, in this order, on any number of threads: f32 addition is not
 * associative, so only a fixed order gives the same bytes everywhere.
 */
export const CHUNKS = 8;

/** Calls `work(first, count, chunk)` for each non-empty part of `batch` samples, in order. */
export function forEachChunk(
  batch: number,
  work: (first: number, count: number, chunk: number) => void,
): void {
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const first = Math.floor((batch * chunk) / CHUNKS);
    const count = Math.floor((batch * (chunk + 1)) / CHUNKS) - first;
    if (count > 0) work(first, count, chunk);
  }
}

/** The sum over the chunks of what `accumulate` adds to a zeroed tensor of `shape`. */
export function sumChunks(
  cx: TrainContext,
  batch: number,
  shape: Shape,
  accumulate: (first: number, count: number, into: Ref) => void,
): Ref {
  if (cx.concurrent) return sumAtOnce(cx, batch, shape, accumulate);
  const total = cx.zeros(shape);
  const part = cx.alloc(shape);
  forEachChunk(batch, (first, count, chunk) => {
    const into = chunk === 0 ? total : part;
    if (chunk > 0) cx.f32(part).fill(0);
    accumulate(first, count, into);
    if (chunk > 0) cx.kernels.f32_vadd(sizeOf(shape), total.ptr, part.ptr, total.ptr);
  });
  return total;
}

/** The same sums, each chunk with memory of its own. */
function sumAtOnce(
  cx: TrainContext,
  batch: number,
  shape: Shape,
  accumulate: (first: number, count: number, into: Ref) => void,
): Ref {
  const parts: Ref[] = [];
  forEachChunk(batch, () => parts.push(cx.zeros(shape)));
  cx.together(() => {
    let next = 0;
    forEachChunk(batch, (first, count) => accumulate(first, count, parts[next++]!));
  });
  const [total, ...others] = parts as [Ref, ...Ref[]];
  for (const part of others) {
    cx.kernels.f32_vadd(sizeOf(shape), total.ptr, part.ptr, total.ptr);
  }
  return total;
}

/** Bytes from one sample of a tensor to the next. */
export function sampleBytes({ shape, dtype }: { shape: Shape; dtype: DType }): number {
  return sampleSize(shape) * bytesOf[dtype];
}

/** db [C] = Σ over rows of dy [rows, C] */
export function biasGradient(cx: TrainContext, dy: Ref): Ref {
  const channels = dy.shape[dy.shape.length - 1]!;
  const rows = sizeOf(dy.shape) / channels / dy.shape[0]!;
  return sumChunks(cx, dy.shape[0]!, [channels], (first, count, into) =>
    cx.kernels.f32_column_sums(count * rows, channels, dy.ptr + first * sampleBytes(dy), into.ptr),
  );
}
