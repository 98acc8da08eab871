import { addHigh, addLow, narrow, sumLanes } from '../lib/reduce';

/** Rows that are summed in f32 before they go to f64, as in `f32_column_sums`. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * sums[c] = f32(sums[c] + Σ_r a[r, c] · b[r, c])      blocks of 64 rows in f32, the rest in f64
 *
 * a, b [rows, channels] f32    read
 * sums [channels] f32          added to
 */
export function f32_product_sums__scalar(
  rows: i32, channels: i32, a: usize, b: usize, sums: usize,
): void {
  const row = <usize>channels << 2;
  for (let c = 0; c < channels; c++, a += 4, b += 4, sums += 4) productSum(rows, row, a, b, sums);
}

// @ts-ignore: decorator
@inline
function productSum(rows: i32, row: usize, a: usize, b: usize, sum: usize): void {
  let total = <f64>load<f32>(sum);
  for (let r = 0; r < rows; r += BLOCK) {
    let part: f32 = 0;
    const stop = a + <usize>min(BLOCK, rows - r) * row;
    for (; a < stop; a += row, b += row) part += load<f32>(a) * load<f32>(b);
    total += <f64>part;
  }
  store<f32>(sum, <f32>total);
}

export function f32_product_sums__simd128(
  rows: i32, channels: i32, a: usize, b: usize, sums: usize,
): void {
  const row = <usize>channels << 2;
  let c = 0;
  // Eight channels a pass, so that a row gives half a cache line and the f64 totals stay in registers.
  for (; c + 8 <= channels; c += 8, a += 32, b += 32, sums += 32) {
    const first = v128.load(sums), second = v128.load(sums, 16);
    let total0 = addLow(f64x2.splat(0), first), total1 = addHigh(f64x2.splat(0), first);
    let total2 = addLow(f64x2.splat(0), second), total3 = addHigh(f64x2.splat(0), second);
    let p = a, q = b;
    for (let r = 0; r < rows; r += BLOCK) {
      let part0 = f32x4.splat(0);
      let part1 = part0;
      for (const stop = p + <usize>min(BLOCK, rows - r) * row; p < stop; p += row, q += row) {
        part0 = f32x4.add(part0, f32x4.mul(v128.load(p), v128.load(q)));
        part1 = f32x4.add(part1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
      }
      total0 = addLow(total0, part0);
      total1 = addHigh(total1, part0);
      total2 = addLow(total2, part1);
      total3 = addHigh(total3, part1);
    }
    v128.store(sums, narrow(total0, total1));
    v128.store(sums, narrow(total2, total3), 16);
  }
  for (; c < channels; c++, a += 4, b += 4, sums += 4) productSum(rows, row, a, b, sums);
}

/**
 * sums[r] = f32(sums[r] + Σ_i x[r, i])      in f64: element i of the first n & ~3 in the sum i mod 4, (s0 + s1) + (s2 + s3), then
 * what is left
 *
 * x    [rows, n] f32    read
 * sums [rows] f32       added to
 */
export function f32_row_sums__scalar(rows: i32, n: i32, x: usize, sums: usize): void {
  for (let r = 0; r < rows; r++, sums += 4, x += <usize>n << 2) {
    store<f32>(sums, <f32>(<f64>load<f32>(sums) + rowSumScalar(n, x)));
  }
}

/** `rowSum`, plain. */
export function rowSumScalar(n: i32, x: usize): f64 {
  let s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  for (const body = x + (<usize>(n & ~3) << 2); x < body; x += 16) {
    s0 += <f64>load<f32>(x);
    s1 += <f64>load<f32>(x, 4);
    s2 += <f64>load<f32>(x, 8);
    s3 += <f64>load<f32>(x, 12);
  }
  return withRest(s0 + s1 + (s2 + s3), n & 3, x);
}

/** The sum of a row's body and of the elements left at x. */
// @ts-ignore: decorator
@inline
function withRest(total: f64, left: i32, x: usize): f64 {
  for (const end = x + (<usize>left << 2); x < end; x += 4) total += <f64>load<f32>(x);
  return total;
}

/** The sum of a row. */
export function rowSum(n: i32, x: usize): f64 {
  let low = f64x2.splat(0), high = low;
  for (const body = x + (<usize>(n & ~3) << 2); x < body; x += 16) {
    const lanes = v128.load(x);
    low = addLow(low, lanes);
    high = addHigh(high, lanes);
  }
  return withRest(sumLanes(low, high), n & 3, x);
}

export function f32_row_sums__simd128(rows: i32, n: i32, x: usize, sums: usize): void {
  for (let r = 0; r < rows; r++, sums += 4, x += <usize>n << 2) {
    store<f32>(sums, <f32>(<f64>load<f32>(sums) + rowSum(n, x)));
  }
}
