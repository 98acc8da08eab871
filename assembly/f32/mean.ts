import { storeFloats } from '../lib/lanes';
import { addHigh, addLow, narrow } from '../lib/reduce';
import { rowSum, rowSumScalar } from './productSums';

/**
 * y[o, i] = f32(Σ_j x[o, j, i] / n)      in f64, rounded once
 *
 * x  [outer, n, inner] f32    read      y  [outer, inner] f32    written
 *
 * Terms are added one after another; with inner = 1 as those of `f32_row_sums`.
 */
export function f32_mean__scalar(outer: i32, n: i32, inner: i32, x: usize, y: usize): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++, x += <usize>n * row) {
    for (let i: usize = 0; i < row; i += 4, y += 4) {
      const sum = inner == 1 ? rowSumScalar(n, x) : columnSum(n, row, x + i);
      store<f32>(y, <f32>(sum / <f64>n));
    }
  }
}

function columnSum(n: i32, row: usize, x: usize): f64 {
  let sum = 0.0;
  for (const end = x + <usize>n * row; x < end; x += row) sum += <f64>load<f32>(x);
  return sum;
}

export function f32_mean__simd128(outer: i32, n: i32, inner: i32, x: usize, y: usize): void {
  const row = <usize>inner << 2, block = <usize>n * row;
  const count = f64x2.splat(<f64>n);
  for (let o = 0; o < outer; o++, x += block) {
    if (inner == 1) {
      store<f32>(y, <f32>(rowSum(n, x) / <f64>n));
      y += 4;
      continue;
    }
    // Eight columns a pass, so that their sums stay in registers.
    for (let i = 0; i < inner; i += 8, y += 32) {
      const start = x + (<usize>i << 2);
      // The second four may lie past the row.
      const second: usize = inner - i > 4 ? 16 : 0;
      let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let p = start, end = start + block; p < end; p += row) {
        const low = v128.load(p), high = v128.load(p + second);
        s0 = addLow(s0, low);
        s1 = addHigh(s1, low);
        s2 = addLow(s2, high);
        s3 = addHigh(s3, high);
      }
      const low = narrow(f64x2.div(s0, count), f64x2.div(s1, count));
      const high = narrow(f64x2.div(s2, count), f64x2.div(s3, count));
      storeFloats(y, low, high, min(inner - i, 8));
    }
    y -= (<usize>((inner + 7) & ~7) - <usize>inner) << 2;
  }
}
