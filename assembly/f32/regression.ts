/**
 * Losses over real targets, element by element, d = f32(x[i] − y[i]):
 *
 *     squared     l = d²                              l' = 2·d
 *     absolute    l = |d|                             l' = sign d
 *     Huber       l = |d| ≤ δ ? d²/2 : δ·(|d| − δ/2)  l' = d clamped to [−δ, δ]      (Huber 1964)
 *
 *     dx[i] = f32(l'·scale)      sums[0] = Σ l      sums[1] = Σ |d|
 *
 * x, y [n] f32    read
 * dx   [n] f32    written; may be x or y
 * sums [2] f64    written
 *
 * The sums are f64: four over the first n & ~3, by i mod 4, added as (s0 + s1) + (s2 + s3), then what is left in order.
 * f32(2·d·scale) is d·f32(2·scale), as doubling is exact. NaN stays NaN.
 */

import { highHalf } from '../lib/lanes';
import { sumLanes } from '../lib/reduce';

// @ts-ignore: decorator
@inline const SQUARED: i32 = 0;
// @ts-ignore: decorator
@inline const ABSOLUTE: i32 = 1;
// @ts-ignore: decorator
@inline const HUBER: i32 = 2;

/** l of |d| */
// @ts-ignore: decorator
@inline
function lossOf(kind: i32, size: f64, delta: f64): f64 {
  if (kind == ABSOLUTE) return size;
  if (kind == SQUARED) return size * size;
  return size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
}

/** l'·scale of d, where `scale` has the 2 of the square already */
// @ts-ignore: decorator
@inline
function slopeOf(kind: i32, d: f32, delta: f32, scale: f32): f32 {
  if (kind == ABSOLUTE) return d > 0 ? scale : d < 0 ? -scale : d * scale;
  if (kind == HUBER) d = d < -delta ? -delta : delta < d ? delta : d;
  return d * scale;
}

// @ts-ignore: decorator
@inline
function lossLanes(kind: i32, size: v128, delta: f64): v128 {
  if (kind == ABSOLUTE) return size;
  const square = f64x2.mul(size, size);
  if (kind == SQUARED) return square;
  const edge = f64x2.splat(delta);
  const near = f64x2.mul(f64x2.mul(f64x2.splat(0.5), size), size);
  const far = f64x2.mul(edge, f64x2.sub(size, f64x2.splat(0.5 * delta)));
  return v128.bitselect(near, far, f64x2.le(size, edge));
}

// @ts-ignore: decorator
@inline
function slopeLanes(kind: i32, d: v128, delta: f32, scale: f32): v128 {
  const scales = f32x4.splat(scale);
  if (kind == ABSOLUTE) {
    const zero = f32x4.splat(0);
    const rest = f32x4.mul(d, scales);
    const up = v128.bitselect(scales, rest, f32x4.gt(d, zero));
    return v128.bitselect(f32x4.neg(scales), up, f32x4.lt(d, zero));
  }
  if (kind == HUBER) d = f32x4.pmin(f32x4.pmax(d, f32x4.splat(-delta)), f32x4.splat(delta));
  return f32x4.mul(d, scales);
}

// @ts-ignore: decorator
@inline
function scalar(
  kind: i32, n: i32, x: usize, y: usize, dx: usize, sums: usize, delta: f32, scale: f32,
): void {
  let l0 = 0.0;
  let l1 = 0.0;
  let l2 = 0.0;
  let l3 = 0.0;
  let a0 = 0.0;
  let a1 = 0.0;
  let a2 = 0.0;
  let a3 = 0.0;
  const edge = <f64>delta;
  const end = dx + (<usize>n << 2);
  for (const body = dx + (<usize>(n & ~3) << 2); dx < body; x += 16, y += 16, dx += 16) {
    const d0 = load<f32>(x) - load<f32>(y);
    const d1 = load<f32>(x, 4) - load<f32>(y, 4);
    const d2 = load<f32>(x, 8) - load<f32>(y, 8);
    const d3 = load<f32>(x, 12) - load<f32>(y, 12);
    l0 += lossOf(kind, abs(<f64>d0), edge);
    l1 += lossOf(kind, abs(<f64>d1), edge);
    l2 += lossOf(kind, abs(<f64>d2), edge);
    l3 += lossOf(kind, abs(<f64>d3), edge);
    a0 += abs(<f64>d0);
    a1 += abs(<f64>d1);
    a2 += abs(<f64>d2);
    a3 += abs(<f64>d3);
    store<f32>(dx, slopeOf(kind, d0, delta, scale));
    store<f32>(dx, slopeOf(kind, d1, delta, scale), 4);
    store<f32>(dx, slopeOf(kind, d2, delta, scale), 8);
    store<f32>(dx, slopeOf(kind, d3, delta, scale), 12);
  }
  const loss = l0 + l1 + (l2 + l3);
  const size = a0 + a1 + (a2 + a3);
  finish(kind, end, x, y, dx, sums, delta, scale, loss, size);
}

/** The elements up to `end`, and the sums. */
// @ts-ignore: decorator
@inline
function finish(
  kind: i32, end: usize, x: usize, y: usize, dx: usize, sums: usize, delta: f32, scale: f32,
  loss: f64, size: f64,
): void {
  for (; dx < end; x += 4, y += 4, dx += 4) {
    const d = load<f32>(x) - load<f32>(y);
    loss += lossOf(kind, abs(<f64>d), <f64>delta);
    size += abs(<f64>d);
    store<f32>(dx, slopeOf(kind, d, delta, scale));
  }
  store<f64>(sums, loss);
  store<f64>(sums, size, 8);
}

// @ts-ignore: decorator
@inline
function simd(
  kind: i32, n: i32, x: usize, y: usize, dx: usize, sums: usize, delta: f32, scale: f32,
): void {
  const zero = f64x2.splat(0);
  let lossLow = zero;
  let lossHigh = zero;
  let sizeLow = zero;
  let sizeHigh = zero;
  const edge = <f64>delta;
  const end = dx + (<usize>n << 2);
  for (const body = dx + (<usize>(n & ~3) << 2); dx < body; x += 16, y += 16, dx += 16) {
    const d = f32x4.sub(v128.load(x), v128.load(y));
    const magnitude = f32x4.abs(d);
    const low = f64x2.promote_low_f32x4(magnitude);
    const high = f64x2.promote_low_f32x4(highHalf(magnitude));
    lossLow = f64x2.add(lossLow, lossLanes(kind, low, edge));
    lossHigh = f64x2.add(lossHigh, lossLanes(kind, high, edge));
    sizeLow = f64x2.add(sizeLow, low);
    sizeHigh = f64x2.add(sizeHigh, high);
    v128.store(dx, slopeLanes(kind, d, delta, scale));
  }
  const loss = sumLanes(lossLow, lossHigh);
  finish(kind, end, x, y, dx, sums, delta, scale, loss, sumLanes(sizeLow, sizeHigh));
}

export function f32_squared_error__scalar(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, scale: f32,
): void {
  scalar(SQUARED, n, x, y, dx, sums, 0, 2 * scale);
}

export function f32_squared_error__simd128(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, scale: f32,
): void {
  simd(SQUARED, n, x, y, dx, sums, 0, 2 * scale);
}

export function f32_absolute_error__scalar(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, scale: f32,
): void {
  scalar(ABSOLUTE, n, x, y, dx, sums, 0, scale);
}

export function f32_absolute_error__simd128(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, scale: f32,
): void {
  simd(ABSOLUTE, n, x, y, dx, sums, 0, scale);
}

export function f32_huber__scalar(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, delta: f32, scale: f32,
): void {
  scalar(HUBER, n, x, y, dx, sums, delta, scale);
}

export function f32_huber__simd128(
  n: i32, x: usize, y: usize, dx: usize, sums: usize, delta: f32, scale: f32,
): void {
  simd(HUBER, n, x, y, dx, sums, delta, scale);
}
