import type { StructFields } from '../../../src/core/abi.ts';

/** A strided copy: extents and strides of six axes in bytes, outermost first, and the bytes of a run. */
export interface CopyGeometry {
  readonly extents: readonly number[];
  readonly inStrides: readonly number[];
  readonly outStrides: readonly number[];
  readonly bytes: number;
}

export function copyFields(g: CopyGeometry): StructFields<'CopyParams'> {
  const numbered = (name: string, values: readonly number[], from = 0) =>
    values.slice(from).map((value, i) => [`${name}${i + from}`, value] as const);
  return Object.fromEntries([
    ...numbered('extent', g.extents, 1),
    ...numbered('inStride', g.inStrides),
    ...numbered('outStride', g.outStrides),
    ['bytes', g.bytes] as const,
  ]) as StructFields<'CopyParams'>;
}

/** Visits (offset in x, offset in y) of every byte that the copy moves. */
export function forEachByte(
  { extents, inStrides, outStrides, bytes }: CopyGeometry,
  visit: (from: number, to: number) => void,
): void {
  const walk = (axis: number, from: number, to: number) => {
    if (axis === extents.length) {
      for (let b = 0; b < bytes; b++) visit(from + b, to + b);
      return;
    }
    for (let i = 0; i < extents[axis]!; i++) {
      walk(axis + 1, from + i * inStrides[axis]!, to + i * outStrides[axis]!);
    }
  };
  walk(0, 0, 0);
}

/** y [outer, rows, columns, bytes] from runs at rowOffsets[j] + columnOffsets[i] of each image of x. */
export function gatherReference(
  x: Int8Array,
  outer: number,
  inBytes: number,
  rowOffsets: ArrayLike<number>,
  columnOffsets: ArrayLike<number>,
  bytes: number,
): Int8Array<ArrayBuffer> {
  const y: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (const row of Array.from(rowOffsets)) {
      for (const column of Array.from(columnOffsets)) {
        for (let b = 0; b < bytes; b++) y.push(x[o * inBytes + row + column + b]!);
      }
    }
  }
  return Int8Array.from(y);
}

/** A neighbour below, one above, counted in pixels or rows, and the weight of the upper in 1/2048. */
export type Tap = readonly [lower: number, upper: number, fraction: number];

/** Interpolation of x [batch, height, width, channels] at rows × columns, halves away from 0. */
export function resizeReference(
  x: Int8Array,
  [batch, height, width, channels]: readonly [number, number, number, number],
  rows: readonly Tap[],
  columns: readonly Tap[],
): Int8Array<ArrayBuffer> {
  const y: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (const [top, bottom, f] of rows) {
      for (const [left, right, g] of columns) {
        for (let c = 0; c < channels; c++) {
          const at = (iy: number, ix: number) =>
            x[((n * height + iy) * width + ix) * channels + c]!;
          const upper = at(top, left) * (2048 - g) + at(top, right) * g;
          const lower = at(bottom, left) * (2048 - g) + at(bottom, right) * g;
          const v = upper * (2048 - f) + lower * f;
          y.push(Math.floor((v + 2 ** 21) / 2 ** 22));
        }
      }
    }
  }
  return Int8Array.from(y);
}
