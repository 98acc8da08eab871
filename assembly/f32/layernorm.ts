import { addHigh, addLow, sumLanes } from '../lib/reduce';

/**
 * Each row by its own mean and deviation:
 *
 *     mean = f32(Σ x / n)      d_i = x_i − mean      inverse = f32(1 / sqrt(Σ d_i² / n + epsilon))
 *     y_i = d_i · inverse · gamma_i + beta_i
 *
 * x, y  [rows, n] f32, n ≥ 1     gamma, beta  [n] f32     moments  [rows][2] f32: mean and inverse, written
 *
 * Sums of rows and the square root are f64; element i goes to the sum i mod 4, (s0 + s1) + (s2 + s3) is their total.
 */
export function f32_layernorm__scalar(
  rows: i32, n: i32, x: usize, gamma: usize, beta: usize, y: usize, moments: usize, epsilon: f32,
): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    let s0: f64 = 0, s1: f64 = 0, s2: f64 = 0, s3: f64 = 0;
    for (let i = 0; i < n; i++) {
      const value = <f64>load<f32>(x + (<usize>i << 2));
      if ((i & 3) == 0) s0 += value;
      else if ((i & 3) == 1) s1 += value;
      else if ((i & 3) == 2) s2 += value;
      else s3 += value;
    }
    const mean = <f32>((s0 + s1 + (s2 + s3)) / <f64>n);
    s0 = 0;
    s1 = 0;
    s2 = 0;
    s3 = 0;
    for (let i = 0; i < n; i++) {
      const d = <f64>(load<f32>(x + (<usize>i << 2)) - mean);
      if ((i & 3) == 0) s0 += d * d;
      else if ((i & 3) == 1) s1 += d * d;
      else if ((i & 3) == 2) s2 += d * d;
      else s3 += d * d;
    }
    const inverse = inverseOf(s0 + s1 + (s2 + s3), n, epsilon);
    for (let at: usize = 0; at < bytes; at += 4) {
      const d = load<f32>(x + at) - mean;
      store<f32>(y + at, d * inverse * load<f32>(gamma + at) + load<f32>(beta + at));
    }
    store<f32>(moments, mean);
    store<f32>(moments, inverse, 4);
    moments += 8;
    x += bytes;
    y += bytes;
  }
}

// @ts-ignore: decorator
@inline
function inverseOf(squares: f64, n: i32, epsilon: f32): f32 {
  return <f32>(1.0 / sqrt<f64>(squares / <f64>n + <f64>epsilon));
}

export function f32_layernorm__simd128(
  rows: i32, n: i32, x: usize, gamma: usize, beta: usize, y: usize, moments: usize, epsilon: f32,
): void {
  const bytes = <usize>n << 2;
  const whole = bytes & ~15;
  for (let row = 0; row < rows; row++) {
    let low = f64x2.splat(0), high = f64x2.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const values = v128.load(x + at);
      low = addLow(low, values);
      high = addHigh(high, values);
    }
    if (at < bytes) {
      const rest = tail(x + at, bytes - at);
      low = addLow(low, rest);
      high = addHigh(high, rest);
    }
    const mean = <f32>(sumLanes(low, high) / <f64>n);
    const means = f32x4.splat(mean);
    low = f64x2.splat(0);
    high = f64x2.splat(0);
    for (at = 0; at < whole; at += 16) {
      const d = f32x4.sub(v128.load(x + at), means);
      low = f64x2.add(low, squaresLow(d));
      high = f64x2.add(high, squaresHigh(d));
    }
    if (at < bytes) {
      // Lanes past the row hold the mean, so that they add 0.
      const d = f32x4.sub(tailOr(x + at, bytes - at, means), means);
      low = f64x2.add(low, squaresLow(d));
      high = f64x2.add(high, squaresHigh(d));
    }
    const inverse = inverseOf(sumLanes(low, high), n, epsilon);
    const inverses = f32x4.splat(inverse);
    for (at = 0; at < whole; at += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses);
      const scaled = f32x4.mul(normal, v128.load(gamma + at));
      v128.store(y + at, f32x4.add(scaled, v128.load(beta + at)));
    }
    for (; at < bytes; at += 4) {
      const d = load<f32>(x + at) - mean;
      store<f32>(y + at, d * inverse * load<f32>(gamma + at) + load<f32>(beta + at));
    }
    store<f32>(moments, mean);
    store<f32>(moments, inverse, 4);
    moments += 8;
    x += bytes;
    y += bytes;
  }
}

/** One to three f32, and 0 in the other lanes. */
// @ts-ignore: decorator
@inline
function tail(from: usize, bytes: usize): v128 {
  return tailOr(from, bytes, f32x4.splat(0));
}

/** One to three f32, and lanes of `other`. */
// @ts-ignore: decorator
@inline
function tailOr(from: usize, bytes: usize, other: v128): v128 {
  let lanes = v128.load_lane<f32>(from, other, 0);
  if (bytes > 4) lanes = v128.load_lane<f32>(from, lanes, 1, 4);
  if (bytes > 8) lanes = v128.load_lane<f32>(from, lanes, 2, 8);
  return lanes;
}

// @ts-ignore: decorator
@inline
function squaresLow(d: v128): v128 {
  const wide = f64x2.promote_low_f32x4(d);
  return f64x2.mul(wide, wide);
}

// @ts-ignore: decorator
@inline
function squaresHigh(d: v128): v128 {
  const wide = f64x2.promote_low_f32x4(i64x2.shuffle(d, d, 1, 1));
  return f64x2.mul(wide, wide);
}
