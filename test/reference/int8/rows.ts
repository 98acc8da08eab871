import type { StructFields } from '../../../src/core/abi.ts';
import { roundToRange } from '../../../src/core/rounding.ts';

const { fround } = Math;

type Rescale = StructFields<'RescaleParams'>;

function rounded(u: number, { outZeroPoint, qmin, qmax }: Rescale): number {
  return roundToRange(u, outZeroPoint, qmin, qmax);
}

/** The `inner` columns of each of `outer` blocks [n, inner], as rows of n, with the place of their result. */
function columns(x: Int8Array, outer: number, n: number, inner: number): Int8Array[] {
  return Array.from({ length: outer * inner }, (_, at) => {
    const start = Math.floor(at / inner) * n * inner + (at % inner);
    return Int8Array.from({ length: n }, (_, j) => x[start + j * inner]!);
  });
}

export function meanReference(
  x: Int8Array,
  [outer, n, inner]: readonly [number, number, number],
  p: Rescale,
): Int8Array {
  const sums = columns(x, outer, n, inner).map((column) =>
    column.reduce((sum, q) => sum + q - p.inZeroPoint, 0),
  );
  return Int8Array.from(sums, (sum) => rounded(fround(fround(sum) * fround(p.multiplier)), p));
}

export function argmaxReference(
  x: Int8Array,
  [outer, n, inner]: readonly [number, number, number],
): Int32Array {
  const found = columns(x, outer, n, inner).map((column) => column.indexOf(Math.max(...column)));
  return Int32Array.from(found);
}

export function softmaxReference(
  x: Int8Array,
  n: number,
  table: Float32Array,
  p: Rescale,
): Int8Array {
  const rows = columns(x, x.length / n, n, 1).map((row) => {
    const most = Math.max(...row);
    let sum = 0;
    for (const q of row) sum = fround(sum + table[most - q]!);
    const inverse = fround(1 / sum);
    return Array.from(row, (q) =>
      rounded(fround(fround(table[most - q]! * inverse) * fround(p.multiplier)), p),
    );
  });
  return Int8Array.from(rows.flat());
}

export function l2normReference(x: Int8Array, n: number, p: Rescale): Int8Array {
  const rows = columns(x, x.length / n, n, 1).map((row) => {
    const sum = row.reduce((total, q) => total + (q - p.inZeroPoint) ** 2, 0);
    const inverse = fround(1 / fround(Math.sqrt(fround(Math.max(1, sum)))));
    return Array.from(row, (q) =>
      rounded(fround(fround((q - p.inZeroPoint) * inverse) * fround(p.multiplier)), p),
    );
  });
  return Int8Array.from(rows.flat());
}
