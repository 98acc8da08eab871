import { addTo } from '../lib/reduce';

/** Rows that are summed in f32 before they go to f64: the error of a block is at most 63·2⁻²⁴·Σ|term|. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * sums[c] += Σ_r d      squares[c] += Σ_r d·d      d = f32(x[r, c] − shift[c])
 *
 * x             [rows, channels] f32    read
 * shift         [channels] f32          read; a value near the mean keeps the squares small (Chan 1983)
 * sums, squares [channels] f64          added to
 */
export function f32_moments__scalar(
  rows: i32, channels: i32, x: usize, shift: usize, sums: usize, squares: usize,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    columns(count, row, channels, x, shift, sums, squares);
    x += <usize>count * row;
  }
}

// @ts-ignore: decorator
@inline
function columns(
  rows: i32, row: usize, channels: i32, x: usize, shift: usize, sums: usize, squares: usize,
): void {
  for (let c = 0; c < channels; c++, x += 4, shift += 4, sums += 8, squares += 8) {
    const middle = load<f32>(shift);
    let sum: f32 = 0;
    let square: f32 = 0;
    for (let p = x, stop = x + <usize>rows * row; p < stop; p += row) {
      const d = load<f32>(p) - middle;
      sum += d;
      square += d * d;
    }
    store<f64>(sums, load<f64>(sums) + <f64>sum);
    store<f64>(squares, load<f64>(squares) + <f64>square);
  }
}

export function f32_moments__simd128(
  rows: i32, channels: i32, x: usize, shift: usize, sums: usize, squares: usize,
): void {
  const row = <usize>channels << 2;
  const body = channels & ~7;
  const rest = <usize>body << 2;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    for (let c = 0; c < body; c += 8) {
      const at = <usize>c << 2;
      octet(count, row, x + at, shift + at, sums + (at << 1), squares + (at << 1));
    }
    columns(
      count, row, channels - body, x + rest, shift + rest,
      sums + (rest << 1), squares + (rest << 1),
    );
    x += <usize>count * row;
  }
}

/** Eight channels of one block. */
// @ts-ignore: decorator
@inline
function octet(rows: i32, row: usize, x: usize, shift: usize, sums: usize, squares: usize): void {
  const middle0 = v128.load(shift);
  const middle1 = v128.load(shift, 16);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let square0 = sum0;
  let square1 = sum0;
  for (const stop = x + <usize>rows * row; x < stop; x += row) {
    const d0 = f32x4.sub(v128.load(x), middle0);
    const d1 = f32x4.sub(v128.load(x, 16), middle1);
    sum0 = f32x4.add(sum0, d0);
    sum1 = f32x4.add(sum1, d1);
    square0 = f32x4.add(square0, f32x4.mul(d0, d0));
    square1 = f32x4.add(square1, f32x4.mul(d1, d1));
  }
  addTo(sums, sum0, sum1);
  addTo(squares, square0, square1);
}
