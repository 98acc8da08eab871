import { type Shape, sizeOf } from '../core/shape.ts';

/** A tensor about some neighbouring axes: [outer, n, inner], reduced along n. */
export interface Block {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

/** `shape` about its axes from `first` to `last`, both among them. */
export function blockOf(shape: Shape, first: number, last = first): Block {
  return {
    outer: sizeOf(shape.slice(0, first)),
    n: sizeOf(shape.slice(first, last + 1)),
    inner: sizeOf(shape.slice(last + 1)),
  };
}

/** `shape` as rows of its last axis. */
export function rowsOf(shape: Shape): { readonly rows: number; readonly n: number } {
  const n = shape.at(-1)!;
  return { rows: sizeOf(shape) / n, n };
}

interface Range {
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

export function rescaleFields(x: { readonly zeroPoint: number }, multiplier: number, out: Range) {
  return {
    inZeroPoint: x.zeroPoint,
    multiplier,
    outZeroPoint: out.zeroPoint,
    qmin: out.qmin,
    qmax: out.qmax,
  };
}
