import type { StructFields } from '../../../src/core/abi.ts';
import { roundToRange } from '../../../src/core/rounding.ts';
import { softmaxReference } from './rows.ts';

const { fround } = Math;

interface Range {
  readonly outZeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

function rounded(u: number, { outZeroPoint, qmin, qmax }: Range): number {
  return roundToRange(u, outZeroPoint, qmin, qmax);
}

export interface Norm extends Range {
  readonly inZeroPoint: number;
  readonly epsilon: number;
}

/** The variance by its textbook formula, in exact numbers: V = n·Σ (d − Σd/n)²·n, kept whole. */
export function layernormReference(
  x: Int8Array,
  multiplier: Float32Array,
  addend: Float32Array,
  p: Norm,
): Int8Array {
  const n = multiplier.length;
  const rows = Array.from({ length: x.length / n }, (_, at) => {
    const row = Array.from(x.subarray(at * n, at * n + n), (q) => q - p.inZeroPoint);
    const sum = row.reduce((total, d) => total + d, 0);
    // n·Σ(n·d − S)² / n² = n·Σd² − S², all of it below 2⁵³.
    const spread = row.reduce((total, d) => total + BigInt(n * d - sum) ** 2n, 0n) / BigInt(n);
    const r = fround(1 / Math.sqrt(Number(spread) + fround(p.epsilon)));
    return row.map((d, i) => {
      const scaled = fround(fround(fround(n * d - sum) * r) * multiplier[i]!);
      return rounded(fround(scaled + addend[i]!), p);
    });
  });
  return Int8Array.from(rows.flat());
}

export interface Matrices extends Range {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aZeroPoint: number;
  readonly bZeroPoint: number;
  readonly transposed: boolean;
  readonly multiplier: number;
}

export function matmulReference(a: Int8Array, b: Int8Array, p: Matrices): Int8Array {
  const { m, n, k } = p;
  const y: number[] = [];
  for (let matrix = 0; matrix < a.length / (m * k); matrix++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let acc = 0;
        for (let t = 0; t < k; t++) {
          const right = b[matrix * k * n + (p.transposed ? j * k + t : t * n + j)]!;
          acc += (a[(matrix * m + i) * k + t]! - p.aZeroPoint) * (right - p.bZeroPoint);
        }
        y.push(rounded(fround(fround(acc) * fround(p.multiplier)), p));
      }
    }
  }
  return Int8Array.from(y);
}

export function causalSoftmaxReference(
  x: Int8Array,
  rows: number,
  n: number,
  table: Float32Array,
  p: StructFields<'RescaleParams'>,
): Int8Array {
  const y = new Int8Array(x.length).fill(p.outZeroPoint);
  for (let row = 0; row < x.length / n; row++) {
    const seen = x.slice(row * n, row * n + n - rows + (row % rows) + 1);
    y.set(softmaxReference(seen, seen.length, table, p), row * n);
  }
  return y;
}
