import { RescaleParams } from '../abi';
import { qs8_softmax__scalar, qs8_softmax__simd128 } from './softmax';

/**
 * Softmax of the rows of square and wide matrices, where a row sees what is not later than itself:
 *
 *     row t of a matrix [rows, n]: qs8_softmax of its first n − rows + t + 1 elements, outZeroPoint (real 0) in the others
 *
 * x, y  [matrices, rows, n] i8, 1 ≤ rows ≤ n     table and params as those of qs8_softmax, qmin ≤ outZeroPoint
 * y may be x.   Reads 15 bytes past x, writes matrices·rows·n bytes.
 */
export function qs8_causal_softmax__scalar(
  matrices: i32, rows: i32, n: i32, x: usize, table: usize, y: usize, params: RescaleParams,
): void {
  for (let row = 0; row < matrices * rows; row++) {
    const seen = n - rows + (row % rows) + 1;
    qs8_softmax__scalar(1, seen, x, table, y, params);
    for (let i = seen; i < n; i++) store<i8>(y + i, params.outZeroPoint);
    x += n;
    y += n;
  }
}

export function qs8_causal_softmax__simd128(
  matrices: i32, rows: i32, n: i32, x: usize, table: usize, y: usize, params: RescaleParams,
): void {
  for (let matrix = 0; matrix < matrices; matrix++) {
    for (let seen = n - rows + 1; seen <= n; seen++) {
      qs8_softmax__simd128(1, seen, x, table, y, params);
      memory.fill(y + seen, <u8>params.outZeroPoint, n - seen);
      x += n;
      y += n;
    }
  }
}
