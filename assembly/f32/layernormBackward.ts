import { addHigh, addLow, sumLanes } from '../lib/reduce';

/**
 * The way back from f32_layernorm, with x̂_i = (x_i − mean)·inverse and g_i = dy_i·gamma_i:
 *
 *     dx_i = inverse · ((g_i − Σ g / n) − x̂_i · (Σ g·x̂ / n))
 *     sums[0][i] += dy_i · x̂_i      sums[1][i] += dy_i      over the rows, one after another
 *
 * x, dy, dx  [rows, n] f32     gamma  [n] f32     moments  [rows][2] f32 of the forward     sums  [2][n] f64
 *
 * Sums of rows are f64, element i in the sum i mod 4, as in the forward.
 */
export function f32_layernorm_backward__scalar(
  rows: i32, n: i32, x: usize, dy: usize, gamma: usize, moments: usize, dx: usize, sums: usize,
): void {
  for (let row = 0; row < rows; row++) {
    const mean = load<f32>(moments), inverse = load<f32>(moments, 4);
    let g0: f64 = 0, g1: f64 = 0, g2: f64 = 0, g3: f64 = 0;
    let p0: f64 = 0, p1: f64 = 0, p2: f64 = 0, p3: f64 = 0;
    for (let i = 0; i < n; i++) {
      const at = <usize>i << 2;
      const g = load<f32>(dy + at) * load<f32>(gamma + at);
      const p = <f64>(g * ((load<f32>(x + at) - mean) * inverse));
      if ((i & 3) == 0) {
        g0 += <f64>g;
        p0 += p;
      } else if ((i & 3) == 1) {
        g1 += <f64>g;
        p1 += p;
      } else if ((i & 3) == 2) {
        g2 += <f64>g;
        p2 += p;
      } else {
        g3 += <f64>g;
        p3 += p;
      }
    }
    const a = <f32>((g0 + g1 + (g2 + g3)) / <f64>n);
    const b = <f32>((p0 + p1 + (p2 + p3)) / <f64>n);
    for (let i = 0; i < n; i++) {
      one(<usize>i << 2, n, x, dy, gamma, dx, sums, mean, inverse, a, b);
    }
    moments += 8;
    x += <usize>n << 2;
    dy += <usize>n << 2;
    dx += <usize>n << 2;
  }
}

/** dx and the sums of the element that lies `at` bytes into its row. */
// @ts-ignore: decorator
@inline
function one(
  at: usize, n: i32, x: usize, dy: usize, gamma: usize, dx: usize, sums: usize,
  mean: f32, inverse: f32, a: f32, b: f32,
): void {
  const normal = (load<f32>(x + at) - mean) * inverse;
  const above = load<f32>(dy + at);
  const g = above * load<f32>(gamma + at);
  store<f32>(dx + at, inverse * (g - a - normal * b));
  const gains = sums + (at << 1), offsets = gains + (<usize>n << 3);
  store<f64>(gains, load<f64>(gains) + <f64>(above * normal));
  store<f64>(offsets, load<f64>(offsets) + <f64>above);
}

export function f32_layernorm_backward__simd128(
  rows: i32, n: i32, x: usize, dy: usize, gamma: usize, moments: usize, dx: usize, sums: usize,
): void {
  const bytes = <usize>n << 2;
  const whole = bytes & ~15;
  for (let row = 0; row < rows; row++) {
    const mean = load<f32>(moments), inverse = load<f32>(moments, 4);
    const means = f32x4.splat(mean), inverses = f32x4.splat(inverse);
    let gLow = f64x2.splat(0), gHigh = f64x2.splat(0);
    let pLow = f64x2.splat(0), pHigh = f64x2.splat(0);
    let at: usize = 0;
    for (; at < bytes; at += 16) {
      let g = f32x4.mul(v128.load(dy + at), v128.load(gamma + at));
      let p = f32x4.mul(g, f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses));
      if (at == whole) {
        const inside = laneMask(bytes - at);
        g = v128.and(g, inside);
        p = v128.and(p, inside);
      }
      gLow = addLow(gLow, g);
      gHigh = addHigh(gHigh, g);
      pLow = addLow(pLow, p);
      pHigh = addHigh(pHigh, p);
    }
    const a = <f32>(sumLanes(gLow, gHigh) / <f64>n), b = <f32>(sumLanes(pLow, pHigh) / <f64>n);
    const as = f32x4.splat(a), bs = f32x4.splat(b);
    for (at = 0; at < whole; at += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses);
      const above = v128.load(dy + at);
      const g = f32x4.mul(above, v128.load(gamma + at));
      const centred = f32x4.sub(f32x4.sub(g, as), f32x4.mul(normal, bs));
      v128.store(dx + at, f32x4.mul(inverses, centred));
      addTo4(sums + (at << 1), f32x4.mul(above, normal));
      addTo4(sums + (at << 1) + (<usize>n << 3), above);
    }
    for (; at < bytes; at += 4) one(at, n, x, dy, gamma, dx, sums, mean, inverse, a, b);
    moments += 8;
    x += bytes;
    dy += bytes;
    dx += bytes;
  }
}

/** All bits in the lanes of one to three f32. */
// @ts-ignore: decorator
@inline
function laneMask(bytes: usize): v128 {
  return i32x4.lt_s(i32x4(0, 4, 8, 12), i32x4.splat(<i32>bytes));
}

/** totals[0..3] f64 += values */
// @ts-ignore: decorator
@inline
function addTo4(totals: usize, values: v128): void {
  v128.store(totals, addLow(v128.load(totals), values));
  v128.store(totals, addHigh(v128.load(totals, 16), values), 16);
}
