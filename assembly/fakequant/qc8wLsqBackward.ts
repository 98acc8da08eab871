import { addHigh, addLow, sumLanes } from '../lib/reduce';
import { MAGIC, opaque } from '../lib/requantize';

/**
 * Backward of wq = clamp(rte(w / s), qmin, qmax)·s for weights, by learned step size (Esser 2020). With
 * v = f32(w · f32(1/scale[c])):
 *
 *     lo < v < hi    dw = dwq    dscale[c] += dwq·(rte(v) − v)
 *     v ≤ lo         dw = 0      dscale[c] += dwq·qmin
 *     v ≥ hi         dw = 0      dscale[c] += dwq·qmax
 *
 * lo and hi are qmin and qmax in the paper; or the limits of what is rounded to an integer between them, as in fake
 * quantization elsewhere: at most half an integer further out.
 *
 * w, dwq [outer, channels, inner] f32    read
 * scale  [channels] f32                  read, positive
 * dw     [outer, channels, inner] f32    written; may be dwq
 * dscale [channels] f32                  written, the sum rounded once
 *
 * Each term is rounded to f32 once. The twin sums in f64; SIMD sums four terms of each lane pairwise in f32 and these
 * sums in f64, so |error| ≤ 4·2⁻²⁴·Σ|term|.
 */
export function f32_qc8w_lsq_backward__scalar(
  outer: i32, channels: i32, inner: i32, w: usize, scale: usize, qmin: i32, qmax: i32,
  dwq: usize, dw: usize, dscale: usize, lo: f32, hi: f32,
): void {
  for (let c = 0; c < channels; c++) {
    channel(c, outer, channels, inner, w, scale, qmin, qmax, dwq, dw, dscale, lo, hi);
  }
}

// @ts-ignore: decorator
@inline
function channel(
  c: i32, outer: i32, channels: i32, inner: i32, w: usize, scale: usize, qmin: i32, qmax: i32,
  dwq: usize, dw: usize, dscale: usize, lo: f32, hi: f32,
): void {
  const inverse: f32 = 1 / load<f32>(scale + (<usize>c << 2));
  let total = 0.0;
  for (let o = 0; o < outer; o++) {
    const from = <usize>((o * channels + c) * inner) << 2;
    for (let at = from, end = from + (<usize>inner << 2); at < end; at += 4) {
      total += <f64>backwardOne(at, w, inverse, qmin, qmax, dwq, dw, lo, hi);
    }
  }
  store<f32>(dscale + (<usize>c << 2), <f32>total);
}

/** Writes dw at byte `at` and returns the term of dscale. */
// @ts-ignore: decorator
@inline
function backwardOne(
  at: usize, w: usize, inverse: f32, qmin: i32, qmax: i32, dwq: usize, dw: usize,
  lo: f32, hi: f32,
): f32 {
  const v = load<f32>(w + at) * inverse;
  const g = load<f32>(dwq + at);
  const inside = v > lo && v < hi;
  store<f32>(dw + at, inside ? g : 0);
  const slope: f32 = inside ? nearest<f32>(v) - v : v >= hi ? <f32>qmax : <f32>qmin;
  return g * slope;
}

export function f32_qc8w_lsq_backward__simd128(
  outer: i32, channels: i32, inner: i32, w: usize, scale: usize, qmin: i32, qmax: i32,
  dwq: usize, dw: usize, dscale: usize, lo: f32, hi: f32,
): void {
  const low4 = f32x4.splat(lo);
  const high4 = f32x4.splat(hi);
  const first = f32x4.splat(innermost(lo, <f32>qmin));
  const last = f32x4.splat(innermost(hi, <f32>qmax));
  const magic = f32x4.splat(opaque(MAGIC, qmax));
  let c = 0;
  if (inner == 1) {
    for (; c + 4 <= channels; c += 4) {
      const inverse = f32x4.div(f32x4.splat(1), v128.load(scale + (<usize>c << 2)));
      let low = f64x2.splat(0);
      let high = low;
      for (let o = 0; o < outer; o++) {
        const at = <usize>(o * channels + c) << 2;
        const terms = backwardFour(at, w, inverse, low4, high4, first, last, magic, dwq, dw);
        low = addLow(low, terms);
        high = addHigh(high, terms);
      }
      const at = dscale + (<usize>c << 2);
      v128.store64_lane(at, f32x4.demote_f64x2_zero(low), 0);
      v128.store64_lane(at, f32x4.demote_f64x2_zero(high), 0, 8);
    }
    for (; c < channels; c++) {
      channel(c, outer, channels, 1, w, scale, qmin, qmax, dwq, dw, dscale, lo, hi);
    }
    return;
  }
  for (; c < channels; c++) {
    const inverse = f32x4.div(f32x4.splat(1), v128.load32_splat(scale + (<usize>c << 2)));
    let low = f64x2.splat(0);
    let high = low;
    let tail = 0.0;
    for (let o = 0; o < outer; o++) {
      let at = <usize>((o * channels + c) * inner) << 2;
      const end = at + (<usize>inner << 2);
      if (inner >= 16) {
        do {
          const from = w + at, g = dwq + at, to = dw + at;
          const v0 = f32x4.mul(v128.load(from), inverse), g0 = v128.load(g);
          const v1 = f32x4.mul(v128.load(from, 16), inverse), g1 = v128.load(g, 16);
          const inside0 = insideOf(v0, low4, high4), inside1 = insideOf(v1, low4, high4);
          v128.store(to, v128.and(g0, inside0));
          v128.store(to, v128.and(g1, inside1), 16);
          const left = f32x4.add(
            termOf(g0, v0, inside0, first, last, magic),
            termOf(g1, v1, inside1, first, last, magic),
          );
          const v2 = f32x4.mul(v128.load(from, 32), inverse), g2 = v128.load(g, 32);
          const v3 = f32x4.mul(v128.load(from, 48), inverse), g3 = v128.load(g, 48);
          const inside2 = insideOf(v2, low4, high4), inside3 = insideOf(v3, low4, high4);
          v128.store(to, v128.and(g2, inside2), 32);
          v128.store(to, v128.and(g3, inside3), 48);
          const right = f32x4.add(
            termOf(g2, v2, inside2, first, last, magic),
            termOf(g3, v3, inside3, first, last, magic),
          );
          const terms = f32x4.add(left, right);
          low = addLow(low, terms);
          high = addHigh(high, terms);
          at += 64;
        } while (at + 64 <= end);
      }
      for (; at + 16 <= end; at += 16) {
        const terms = backwardFour(at, w, inverse, low4, high4, first, last, magic, dwq, dw);
        low = addLow(low, terms);
        high = addHigh(high, terms);
      }
      for (; at < end; at += 4) {
        const one = f32x4.extract_lane(inverse, 0);
        tail += <f64>backwardOne(at, w, one, qmin, qmax, dwq, dw, lo, hi);
      }
    }
    store<f32>(dscale + (<usize>c << 2), <f32>(sumLanes(low, high) + tail));
  }
}

/** `backwardOne` of four lanes. */
// @ts-ignore: decorator
@inline
function backwardFour(
  at: usize, w: usize, inverse: v128, lo: v128, hi: v128, first: v128, last: v128, magic: v128,
  dwq: usize, dw: usize,
): v128 {
  const v = f32x4.mul(v128.load(w + at), inverse), g = v128.load(dwq + at);
  const inside = insideOf(v, lo, hi);
  v128.store(dw + at, v128.and(g, inside));
  return termOf(g, v, inside, first, last, magic);
}

/** The end of a range itself, or the float next to a limit beyond it, on the inner side: both are rounded to the end. */
function innermost(limit: f32, end: f32): f32 {
  if (limit == end) return end;
  return reinterpret<f32>(reinterpret<i32>(limit) - 1);
}

// @ts-ignore: decorator
@inline
function insideOf(v: v128, lo: v128, hi: v128): v128 {
  return v128.and(f32x4.gt(v, lo), f32x4.lt(v, hi));
}

/** The terms of dscale. v comes no further out than first and last, which are rounded to qmin and qmax. */
// @ts-ignore: decorator
@inline
function termOf(
  g: v128, v: v128, inside: v128, first: v128, last: v128, magic: v128,
): v128 {
  const near = f32x4.pmin(last, f32x4.pmax(first, v));
  const r = f32x4.sub(f32x4.add(near, magic), magic);
  return f32x4.mul(g, f32x4.sub(r, v128.and(v, inside)));
}
