import { addTo } from '../lib/reduce';

/** Rows that are summed in f32 before they go to f64. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * sumDy[c] += Σ_r dy[r, c]      sumDyX[c] += Σ_r dy[r, c] · f32(x[r, c] − mean[c])
 *
 * The two sums of the backward pass of batch normalization (Ioffe 2015).
 *
 * x, dy         [rows, channels] f32    read
 * mean          [channels] f32          read
 * sumDy, sumDyX [channels] f64          added to; blocks of 64 rows are summed in f32
 */
export function f32_batchnorm_sums__scalar(
  rows: i32, channels: i32, x: usize, dy: usize, mean: usize, sumDy: usize, sumDyX: usize,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    columns(count, row, channels, x, dy, mean, sumDy, sumDyX);
    x += <usize>count * row;
    dy += <usize>count * row;
  }
}

// @ts-ignore: decorator
@inline
function columns(
  rows: i32, row: usize, channels: i32, x: usize, dy: usize, mean: usize,
  sumDy: usize, sumDyX: usize,
): void {
  for (let c: usize = 0, end = <usize>channels << 2; c < end; c += 4) {
    const middle = load<f32>(mean + c);
    let sum: f32 = 0;
    let product: f32 = 0;
    for (let at: usize = c, stop = c + <usize>rows * row; at < stop; at += row) {
      const g = load<f32>(dy + at);
      sum += g;
      product += g * (load<f32>(x + at) - middle);
    }
    const total = sumDy + (c << 1);
    const totalX = sumDyX + (c << 1);
    store<f64>(total, load<f64>(total) + <f64>sum);
    store<f64>(totalX, load<f64>(totalX) + <f64>product);
  }
}

export function f32_batchnorm_sums__simd128(
  rows: i32, channels: i32, x: usize, dy: usize, mean: usize, sumDy: usize, sumDyX: usize,
): void {
  const row = <usize>channels << 2;
  const body = <usize>(channels & ~7) << 2;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    for (let c: usize = 0; c < body; c += 32) {
      octet(count, row, x + c, dy + c, mean + c, sumDy + (c << 1), sumDyX + (c << 1));
    }
    columns(
      count, row, channels & 7, x + body, dy + body, mean + body,
      sumDy + (body << 1), sumDyX + (body << 1),
    );
    x += <usize>count * row;
    dy += <usize>count * row;
  }
}

/** Eight channels of one block. */
// @ts-ignore: decorator
@inline
function octet(
  rows: i32, row: usize, x: usize, dy: usize, mean: usize, sumDy: usize, sumDyX: usize,
): void {
  const middle0 = v128.load(mean);
  const middle1 = v128.load(mean, 16);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let product0 = sum0;
  let product1 = sum0;
  for (const stop = x + <usize>rows * row; x < stop; x += row, dy += row) {
    const g0 = v128.load(dy);
    const g1 = v128.load(dy, 16);
    sum0 = f32x4.add(sum0, g0);
    sum1 = f32x4.add(sum1, g1);
    product0 = f32x4.add(product0, f32x4.mul(g0, f32x4.sub(v128.load(x), middle0)));
    product1 = f32x4.add(product1, f32x4.mul(g1, f32x4.sub(v128.load(x, 16), middle1)));
  }
  addTo(sumDy, sum0, sum1);
  addTo(sumDyX, product0, product1);
}

/**
 * dx[r, c] = f32(f32(a[c]·dy[r, c]) + f32(b[c]·x[r, c])) + c[c]
 *
 * With μ, σ of the batch, count m, S = Σdy, P = Σdy·(x − μ):  a = γ/σ,  b = −γ·P/(m·σ³),
 * c = −γ·S/(m·σ) − b·μ.
 *
 * x, dy   [rows, channels] f32    read
 * a, b, c [channels] f32          read
 * dx      [rows, channels] f32    written; may be dy or x
 */
export function f32_batchnorm_backward__scalar(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, c: usize, dx: usize,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += row, dy += row, dx += row) {
    backwardRow(channels, x, dy, a, b, c, dx);
  }
}

// @ts-ignore: decorator
@inline
function backwardRow(
  channels: i32, x: usize, dy: usize, a: usize, b: usize, c: usize, dx: usize,
): void {
  for (let i: usize = 0, end = <usize>channels << 2; i < end; i += 4) {
    const linear = load<f32>(a + i) * load<f32>(dy + i) + load<f32>(b + i) * load<f32>(x + i);
    store<f32>(dx + i, linear + load<f32>(c + i));
  }
}

// @ts-ignore: decorator
@inline
function backwardLanes(x: usize, dy: usize, a: usize, b: usize, c: usize, dx: usize): void {
  const left = f32x4.mul(v128.load(a), v128.load(dy));
  const right = f32x4.mul(v128.load(b), v128.load(x));
  v128.store(dx, f32x4.add(f32x4.add(left, right), v128.load(c)));
}

export function f32_batchnorm_backward__simd128(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, c: usize, dx: usize,
): void {
  const row = <usize>channels << 2;
  const body = <usize>(channels & ~3) << 2;
  for (let r = 0; r < rows; r++, x += row, dy += row, dx += row) {
    let i: usize = 0;
    // Sixteen channels a turn: rows of few channels are short loops.
    for (; i + 64 <= body; i += 64) {
      backwardLanes(x + i, dy + i, a + i, b + i, c + i, dx + i);
      backwardLanes(x + i + 16, dy + i + 16, a + i + 16, b + i + 16, c + i + 16, dx + i + 16);
      backwardLanes(x + i + 32, dy + i + 32, a + i + 32, b + i + 32, c + i + 32, dx + i + 32);
      backwardLanes(x + i + 48, dy + i + 48, a + i + 48, b + i + 48, c + i + 48, dx + i + 48);
    }
    for (; i < body; i += 16) backwardLanes(x + i, dy + i, a + i, b + i, c + i, dx + i);
    backwardRow(channels & 3, x + body, dy + body, a + body, b + body, c + body, dx + body);
  }
}
