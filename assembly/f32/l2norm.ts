import { highHalf, storeFloats } from '../lib/lanes';
import { narrow, sumLanes } from '../lib/reduce';

/**
 * y[r, i] = f32(x[r, i] / sqrt(Σ x[r]²)), 0 for a row of zeros
 *
 * x, y  [rows, n] f32    y may be x
 *
 * In f64 and rounded once; squares go to the sum i mod 4, (s0 + s1) + (s2 + s3) is their total.
 */
export function f32_l2norm__scalar(rows: i32, n: i32, x: usize, y: usize): void {
  const row = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const inverse = inverseOf(productsScalar(n, x, x));
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(y + at, <f32>(<f64>load<f32>(x + at) * inverse));
    }
    x += row;
    y += row;
  }
}

/** Σ a·b of n elements. */
function productsScalar(n: i32, a: usize, b: usize): f64 {
  let s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  for (let i = 0; i < n; i++, a += 4, b += 4) {
    const product = <f64>load<f32>(a) * <f64>load<f32>(b);
    if ((i & 3) == 0) s0 += product;
    else if ((i & 3) == 1) s1 += product;
    else if ((i & 3) == 2) s2 += product;
    else s3 += product;
  }
  return s0 + s1 + (s2 + s3);
}

// @ts-ignore: decorator
@inline
function inverseOf(squares: f64): f64 {
  return squares == 0 ? 0 : 1.0 / sqrt<f64>(squares);
}

/** `productsScalar`; reads up to sixteen bytes past a and b. */
function products(n: i32, a: usize, b: usize): f64 {
  let low = f64x2.splat(0), high = low;
  for (; n > 0; n -= 4, a += 16, b += 16) {
    const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
    const left = v128.and(v128.load(a), inside), right = v128.and(v128.load(b), inside);
    low = f64x2.add(low, f64x2.mul(wideLow(left), wideLow(right)));
    high = f64x2.add(high, f64x2.mul(wideHigh(left), wideHigh(right)));
  }
  return sumLanes(low, high);
}

// @ts-ignore: decorator
@inline
function wideLow(lanes: v128): v128 {
  return f64x2.promote_low_f32x4(lanes);
}

// @ts-ignore: decorator
@inline
function wideHigh(lanes: v128): v128 {
  return f64x2.promote_low_f32x4(highHalf(lanes));
}

export function f32_l2norm__simd128(rows: i32, n: i32, x: usize, y: usize): void {
  const row = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const inverses = f64x2.splat(inverseOf(products(n, x, x)));
    for (let at: usize = 0; at < row; at += 16) {
      const lanes = v128.load(x + at);
      const scaled = narrow(
        f64x2.mul(wideLow(lanes), inverses), f64x2.mul(wideHigh(lanes), inverses),
      );
      storeFloats(y + at, scaled, scaled, min(<i32>((row - at) >> 2), 4));
    }
    x += row;
    y += row;
  }
}

/**
 * dx[r, i] = f32((dy[r, i] − y[r, i] · Σ dy·y) / sqrt(Σ x[r]²)), 0 for a row of zeros: the way back from f32_l2norm
 *
 * x, y, dy  [rows, n] f32    read      dx  the same, written; may be one of them
 */
export function f32_l2norm_backward__scalar(
  rows: i32, n: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  const row = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const inverse = inverseOf(productsScalar(n, x, x)), sum = productsScalar(n, dy, y);
    for (let at: usize = 0; at < row; at += 4) {
      const d = <f64>load<f32>(dy + at) - <f64>load<f32>(y + at) * sum;
      store<f32>(dx + at, <f32>(d * inverse));
    }
    x += row;
    y += row;
    dy += row;
    dx += row;
  }
}

export function f32_l2norm_backward__simd128(
  rows: i32, n: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  const row = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const inverses = f64x2.splat(inverseOf(products(n, x, x)));
    const sums = f64x2.splat(products(n, dy, y));
    for (let at: usize = 0; at < row; at += 16) {
      const above = v128.load(dy + at), own = v128.load(y + at);
      const low = f64x2.sub(wideLow(above), f64x2.mul(wideLow(own), sums));
      const high = f64x2.sub(wideHigh(above), f64x2.mul(wideHigh(own), sums));
      const lanes = narrow(f64x2.mul(low, inverses), f64x2.mul(high, inverses));
      storeFloats(dx + at, lanes, lanes, min(<i32>((row - at) >> 2), 4));
    }
    x += row;
    y += row;
    dy += row;
    dx += row;
  }
}
