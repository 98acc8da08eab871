import { passing } from '../lib/passing';
import { affineLanes } from './vaffine';

/**
 * dx[r, c] = f32(f32(p[c]·g) + f32(q[c]·x[r, c])) + r[c]      g = dy[r, c] where lo < y < hi, y = f32(f32(a[c]·x) + b[c]), else 0
 *
 * The backward pass of batch normalization (Ioffe 2015) and of the relu after it, or of whatever lets dy pass for y in one open
 * interval, as a quantizer does. With μ, σ of the batch, count m, S = Σg, P = Σg·(x − μ):
 * p = γ/σ,  q = −γ·P/(m·σ³),  r = −γ·S/(m·σ) − q·μ. All of dy passes where both ends are infinite.
 *
 * x, dy         [rows, channels] f32    read
 * a, b, p, q, r [channels] f32          read
 * dx            [rows, channels] f32    written; may be dy or x
 */
export function f32_batchnorm_backward__scalar(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, p: usize, q: usize, r: usize,
  dx: usize, lo: f32, hi: f32,
): void {
  const row = <usize>channels << 2;
  for (let i = 0; i < rows; i++, x += row, dy += row, dx += row) {
    backwardRow(0, row, x, dy, a, b, p, q, r, dx, lo, hi);
  }
}

/** Channels at bytes first … end − 1 of a row. */
// @ts-ignore: decorator
@inline
function backwardRow(
  first: usize, end: usize, x: usize, dy: usize, a: usize, b: usize, p: usize, q: usize, r: usize,
  dx: usize, lo: f32, hi: f32,
): void {
  const open = lo == -Infinity && hi == Infinity;
  for (let i = first; i < end; i += 4) {
    const v = load<f32>(x + i);
    const y = v * load<f32>(a + i) + load<f32>(b + i);
    const g: f32 = open || (y > lo && y < hi) ? load<f32>(dy + i) : 0;
    store<f32>(dx + i, load<f32>(p + i) * g + load<f32>(q + i) * v + load<f32>(r + i));
  }
}

export function f32_batchnorm_backward__simd128(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, p: usize, q: usize, r: usize,
  dx: usize, lo: f32, hi: f32,
): void {
  const row = <usize>channels << 2;
  const body = <usize>(channels & ~3) << 2;
  const vlo = f32x4.splat(lo);
  const vhi = f32x4.splat(hi);
  if (lo == -Infinity && hi == Infinity) {
    for (let i = 0; i < rows; i++, x += row, dy += row, dx += row) {
      for (let c: usize = 0; c < body; c += 16) {
        combine(v128.load(dy + c), x + c, p + c, q + c, r + c, dx + c);
      }
      if (channels & 3) backwardRow(body, row, x, dy, a, b, p, q, r, dx, lo, hi);
    }
    return;
  }
  for (let i = 0; i < rows; i++, x += row, dy += row, dx += row) {
    for (let c: usize = 0; c < body; c += 16) {
      const g = passing(v128.load(dy + c), affineLanes(x + c, a + c, b + c), vlo, vhi);
      combine(g, x + c, p + c, q + c, r + c, dx + c);
    }
    if (channels & 3) backwardRow(body, row, x, dy, a, b, p, q, r, dx, lo, hi);
  }
}

/** p·g + q·x + r of four lanes. */
// @ts-ignore: decorator
@inline
function combine(g: v128, x: usize, p: usize, q: usize, r: usize, dx: usize): void {
  const left = f32x4.mul(v128.load(p), g);
  const right = f32x4.mul(v128.load(q), v128.load(x));
  v128.store(dx, f32x4.add(f32x4.add(left, right), v128.load(r)));
}
