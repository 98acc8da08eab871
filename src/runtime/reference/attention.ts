import { roundToRange } from '../../core/rounding.ts';
import type { AttentionAttrs } from '../../ops/attentionSoftmax.ts';
import type { MatmulAttrs } from '../../ops/matmul.ts';
import type { Activation, ReferenceOp } from './operands.ts';

const { fround } = Math;

function rounded(u: number, { qparams: { zeroPoint, qmin, qmax } }: Activation): number {
  return roundToRange(u, zeroPoint, qmin, qmax);
}

/** u = f32(f32(Σ (a − z_a)(b − z_b)) · M)      eq. (27) */
export const matmul: ReferenceOp<MatmulAttrs> = (
  { x: [a, b], constants: [multiplier], y },
  { transposeB },
) => {
  const [rows, terms, columns] = [a!.shape.at(-2)!, a!.shape.at(-1)!, y.shape.at(-1)!];
  for (let at = 0; at < y.data.length; at++) {
    const [column, row] = [at % columns, Math.floor(at / columns)];
    const matrix = Math.floor(row / rows) * terms * columns;
    let sum = 0;
    for (let k = 0; k < terms; k++) {
      const place = transposeB ? column * terms + k : k * columns + column;
      const left = a!.data[row * terms + k]! - a!.qparams.zeroPoint;
      sum += left * (b!.data[matrix + place]! - b!.qparams.zeroPoint);
    }
    y.data[at] = rounded(fround(fround(sum) * multiplier!.data[0]!), y);
  }
};

/** Softmax of the keys that a query sees, eq. (23), and real 0 for the others */
export const attentionSoftmax: ReferenceOp<AttentionAttrs> = (
  { x: [x], constants: [table, multiplier], y },
  { causal },
) => {
  const [queries, keys] = [x!.shape.at(-2)!, x!.shape.at(-1)!];
  for (let start = 0; start < y.data.length; start += keys) {
    const query = (start / keys) % queries;
    const seen = Array.from(x!.data.subarray(start, start + keys)).filter(
      (_, key) => !causal || key - query <= keys - queries,
    );
    const most = Math.max(...seen);
    const powers = seen.map((q) => table!.data[most - q]!);
    const inverse = fround(1 / powers.reduce((sum, e) => fround(sum + e), 0));
    for (let key = 0; key < keys; key++) {
      const weight = fround((powers[key] ?? 0) * inverse);
      y.data[start + key] = rounded(fround(weight * multiplier!.data[0]!), y);
    }
  }
};

/**
 * r = f32(1 / sqrt(n·Σd² − (Σd)² + E)) with d = x − z, u = f32(f32(f32(f32(n·d − Σd) · r) · M) + B), constants
 * [E, M…, B…]      eq. (26). The sums are exact in f64 as in integers.
 */
export const layerNormalization: ReferenceOp = ({ x: [x], constants: [factors], y }) => {
  const n = x!.shape.at(-1)!;
  for (let start = 0; start < y.data.length; start += n) {
    const distances = Array.from(
      x!.data.subarray(start, start + n),
      (q) => q - x!.qparams.zeroPoint,
    );
    const sum = distances.reduce((total, d) => total + d, 0);
    const squares = distances.reduce((total, d) => total + d * d, 0);
    const r = fround(1 / Math.sqrt(n * squares - sum * sum + factors!.data[0]!));
    distances.forEach((d, i) => {
      const scaled = fround(fround(fround(n * d - sum) * r) * factors!.data[1 + i]!);
      y.data[start + i] = rounded(fround(scaled + factors!.data[1 + n + i]!), y);
    });
  }
};

/** Rows of the table; an index that is none takes the nearest. */
export const embedding: ReferenceOp = ({ x: [x], constants: [table], y }) => {
  const [rows, width] = table!.shape as [number, number];
  for (let at = 0; at < y.data.length; at++) {
    const row = Math.min(Math.max(x!.data[Math.floor(at / width)]!, 0), rows - 1);
    y.data[at] = table!.data[row * width + (at % width)]!;
  }
};
