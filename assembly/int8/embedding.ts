/**
 * Rows of a table, whatever its bytes stand for:
 *
 *     y[i] = table[x[i]]      an index below 0 counts as 0, one from rows on as rows − 1
 *
 * x  [n] i32     table  [rows, bytes], rows ≥ 1     y  [n, bytes]     y must not overlap the others.
 * Clamping keeps every read inside the table: indices come from whoever runs a network.
 */
export function x8_embedding__scalar(
  n: i32, rows: i32, bytes: i32, x: usize, table: usize, y: usize,
): void {
  for (let i = 0; i < n; i++) {
    const index = max(0, min(rows - 1, load<i32>(x + (i << 2))));
    memory.copy(y, table + <usize>index * <usize>bytes, bytes);
    y += bytes;
  }
}
