import { expNegativeLanes, expNegativeScalar, writeExpConstants } from '../lib/exp32';
import { storeFloats } from '../lib/lanes';
import { addHigh, addLow, sumLanes } from '../lib/reduce';

/**
 * y[r, i] = e_i / Σ e_j, e_i = exp((x[r, i] − max x[r]) · beta), over the elements that row r sees, 0 for the others:
 * all of them or, of matrices with `queries` > 0 rows, the first n − queries + 1 + r mod queries, r counted over all matrices
 *
 * x, y       f32    the whole tensors, rows of n ≥ queries; y may be x
 * constants         48 bytes of scratch
 *
 * Rows first … first + count − 1. The maximum and e are f32: a difference and a product before an exponential within 3·U of
 * its size, U = 2⁻²⁴. The sum is f64, e_i in the sum i mod 4, (s0 + s1) + (s2 + s3); its inverse and the product are f32. So y is
 * within (8 + 2·(max − x)·beta)·U of its size, and 0 below 2⁻¹²⁶.
 */
export function f32_softmax__scalar(
  first: i32, count: i32, n: i32, queries: i32, x: usize, beta: f32, y: usize, _constants: usize,
): void {
  for (let r = first; r < first + count; r++) {
    const seen = seenBy(r, n, queries);
    const from = x + (<usize>(r * n) << 2), to = y + (<usize>(r * n) << 2);
    let top = load<f32>(from);
    for (let i = 1; i < seen; i++) {
      const v = load<f32>(from + (<usize>i << 2));
      top = top < v ? v : top;
    }
    let s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
    for (let i = 0; i < seen; i++) {
      const at = <usize>i << 2;
      const e = expNegativeScalar((load<f32>(from + at) - top) * beta);
      store<f32>(to + at, e);
      if ((i & 3) == 0) s0 += <f64>e;
      else if ((i & 3) == 1) s1 += <f64>e;
      else if ((i & 3) == 2) s2 += <f64>e;
      else s3 += <f64>e;
    }
    const factor = <f32>(1.0 / (s0 + s1 + (s2 + s3)));
    for (let i = 0; i < n; i++) {
      const at = to + (<usize>i << 2);
      store<f32>(at, i < seen ? load<f32>(at) * factor : 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function seenBy(row: i32, n: i32, queries: i32): i32 {
  return queries > 0 ? n - queries + 1 + row % queries : n;
}

/** Four elements, those from `left` on replaced by −inf, whose exponential is 0. */
// @ts-ignore: decorator
@inline
function masked(x: usize, left: i32): v128 {
  const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
  return v128.bitselect(v128.load(x), f32x4.splat(-Infinity), inside);
}

export function f32_softmax__simd128(
  first: i32, count: i32, n: i32, queries: i32, x: usize, beta: f32, y: usize, constants: usize,
): void {
  writeExpConstants(constants);
  const row = <usize>n << 2;
  x += <usize>first * row;
  y += <usize>first * row;
  for (let r = first; r < first + count; r++) {
    const seen = seenBy(r, n, queries);
    softmaxRow(seen, x, beta, y, constants);
    const bytes = <usize>seen << 2;
    if (bytes < row) memory.fill(y + bytes, 0, row - bytes);
    x += row;
    y += row;
  }
}

/** The largest of n ≥ 1; NaN where the first is. */
// @ts-ignore: decorator
@inline
function largest(n: i32, x: usize): f32 {
  let lanes = v128.load32_splat(x);
  let left = n;
  for (; left >= 4; left -= 4, x += 16) lanes = f32x4.pmax(lanes, v128.load(x));
  if (left > 0) lanes = f32x4.pmax(lanes, masked(x, left));
  lanes = f32x4.pmax(lanes, i64x2.shuffle(lanes, lanes, 1, 0));
  lanes = f32x4.pmax(lanes, i32x4.shuffle(lanes, lanes, 1, 0, 3, 2));
  return f32x4.extract_lane(lanes, 0);
}

// @ts-ignore: decorator
@inline
function softmaxRow(n: i32, x: usize, beta: f32, y: usize, constants: usize): void {
  const tops = f32x4.splat(largest(n, x)), betas = f32x4.splat(beta);
  let low = f64x2.splat(0), high = low;
  const start = y;
  let left = n;
  for (; left > 0; left -= 4, x += 16, y += 16) {
    const values = left < 4 ? masked(x, left) : v128.load(x);
    const e = expNegativeLanes(f32x4.mul(f32x4.sub(values, tops), betas), constants);
    if (left < 4) storeFloats(y, e, e, left);
    else v128.store(y, e);
    low = addLow(low, e);
    high = addHigh(high, e);
  }
  const factors = f32x4.splat(<f32>(1.0 / sumLanes(low, high)));
  y = start;
  for (left = n; left >= 4; left -= 4, y += 16) v128.store(y, f32x4.mul(v128.load(y), factors));
  const rest = f32x4.mul(v128.load(y), factors);
  storeFloats(y, rest, rest, left);
}

/**
 * dx[r, i] = beta · y[r, i] · (dy[r, i] − Σ dy·y)      the way back from f32_softmax, 0 where y is
 *
 * y, dy  [rows, n] f32    read      dx  the same, written; may be y or dy
 *
 * Products are f32, their sum is f64: element i in the sum i mod 4, (s0 + s1) + (s2 + s3).
 */
export function f32_softmax_backward__scalar(
  rows: i32, n: i32, y: usize, dy: usize, beta: f32, dx: usize,
): void {
  const row = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    let s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
    for (let i = 0; i < n; i++) {
      const product = <f64>(load<f32>(y + (<usize>i << 2)) * load<f32>(dy + (<usize>i << 2)));
      if ((i & 3) == 0) s0 += product;
      else if ((i & 3) == 1) s1 += product;
      else if ((i & 3) == 2) s2 += product;
      else s3 += product;
    }
    const sum = <f32>(s0 + s1 + (s2 + s3));
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(dx + at, beta * load<f32>(y + at) * (load<f32>(dy + at) - sum));
    }
    y += row;
    dy += row;
    dx += row;
  }
}

/** Four elements, 0 from `left` on. */
// @ts-ignore: decorator
@inline
function head(lanes: v128, left: i32): v128 {
  return v128.and(lanes, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
}

export function f32_softmax_backward__simd128(
  rows: i32, n: i32, y: usize, dy: usize, beta: f32, dx: usize,
): void {
  const row = <usize>n << 2, whole = <usize>(n & ~3) << 2;
  const betas = f32x4.splat(beta);
  for (let r = 0; r < rows; r++) {
    let low = f64x2.splat(0), high = low;
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const products = f32x4.mul(v128.load(y + at), v128.load(dy + at));
      low = addLow(low, products);
      high = addHigh(high, products);
    }
    if (at < row) {
      const products = head(f32x4.mul(v128.load(y + at), v128.load(dy + at)), n & 3);
      low = addLow(low, products);
      high = addHigh(high, products);
    }
    const sums = f32x4.splat(<f32>sumLanes(low, high));
    for (at = 0; at < row; at += 16) {
      const scaled = f32x4.mul(betas, v128.load(y + at));
      const lanes = f32x4.mul(scaled, f32x4.sub(v128.load(dy + at), sums));
      if (at < whole) v128.store(dx + at, lanes);
      else storeFloats(dx + at, lanes, lanes, n & 3);
    }
    y += row;
    dy += row;
    dx += row;
  }
}
