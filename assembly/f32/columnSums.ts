import { addHigh, addLow, narrow } from '../lib/reduce';

/** Rows that are summed in f32 before they go to f64: the error of a block is at most 63·2⁻²⁴·Σ|x|. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * sums[c] = f32(sums[c] + Σ_r x[r, c])      the gradient of a bias; blocks of 64 rows in f32, the rest in f64
 *
 * x    [rows, channels] f32    read
 * sums [channels] f32          added to
 */
export function f32_column_sums__scalar(rows: i32, channels: i32, x: usize, sums: usize): void {
  const row = <usize>channels << 2;
  for (let c = 0; c < channels; c++, x += 4, sums += 4) columnSum(rows, row, x, sums);
}

// @ts-ignore: decorator
@inline
function columnSum(rows: i32, row: usize, x: usize, sum: usize): void {
  let total = <f64>load<f32>(sum);
  for (let r = 0; r < rows; r += BLOCK) {
    let part: f32 = 0;
    const stop = x + <usize>min(BLOCK, rows - r) * row;
    for (; x < stop; x += row) part += load<f32>(x);
    total += <f64>part;
  }
  store<f32>(sum, <f32>total);
}

export function f32_column_sums__simd128(rows: i32, channels: i32, x: usize, sums: usize): void {
  const row = <usize>channels << 2;
  let c = 0;
  // Eight channels a pass, so that a row gives half a cache line and the f64 totals stay in registers.
  for (; c + 8 <= channels; c += 8, x += 32, sums += 32) {
    const first = v128.load(sums);
    const second = v128.load(sums, 16);
    let total0 = addLow(f64x2.splat(0), first);
    let total1 = addHigh(f64x2.splat(0), first);
    let total2 = addLow(f64x2.splat(0), second);
    let total3 = addHigh(f64x2.splat(0), second);
    let p = x;
    for (let r = 0; r < rows; r += BLOCK) {
      let part0 = f32x4.splat(0);
      let part1 = part0;
      for (const stop = p + <usize>min(BLOCK, rows - r) * row; p < stop; p += row) {
        part0 = f32x4.add(part0, v128.load(p));
        part1 = f32x4.add(part1, v128.load(p, 16));
      }
      total0 = addLow(total0, part0);
      total1 = addHigh(total1, part0);
      total2 = addLow(total2, part1);
      total3 = addHigh(total3, part1);
    }
    v128.store(sums, narrow(total0, total1));
    v128.store(sums, narrow(total2, total3), 16);
  }
  for (; c < channels; c++, x += 4, sums += 4) columnSum(rows, row, x, sums);
}
