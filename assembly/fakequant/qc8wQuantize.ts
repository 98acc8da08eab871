import { MAGIC, opaque } from '../lib/requantize';

/**
 * q = clamp(rte(f32(w · f32(1/scale[c]))), qmin, qmax)      wq = f32(q · scale[c])      symmetric, per channel
 *
 * w     [outer, channels, inner] f32    read; OHWI: outer 1, channels Co. HWC: outer Kh·Kw, channels C, inner 1
 * scale [channels] f32                  read, positive
 * q     [outer, channels, inner] i8     written, unless the pointer is 0
 * wq    [outer, channels, inner] f32    written, unless the pointer is 0; may be w
 */
export function f32_qc8w_quantize__scalar(
  outer: i32, channels: i32, inner: i32, w: usize, scale: usize, qmin: i32, qmax: i32,
  q: usize, wq: usize,
): void {
  let i = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const s = load<f32>(scale + (<usize>c << 2));
      for (const end = i + inner; i < end; i++) quantizeOne(i, w, s, qmin, qmax, q, wq);
    }
  }
}

/** Element i. */
// @ts-ignore: decorator
@inline
function quantizeOne(i: i32, w: usize, s: f32, qmin: i32, qmax: i32, q: usize, wq: usize): void {
  const lo = <f32>qmin;
  const hi = <f32>qmax;
  const inverse: f32 = 1 / s;
  let v = load<f32>(w + (<usize>i << 2)) * inverse;
  v = lo < v ? v : lo;
  v = v < hi ? v : hi;
  const integer = <i32>nearest<f32>(v);
  if (q) store<i8>(q + <usize>i, <i8>integer);
  if (wq) store<f32>(wq + (<usize>i << 2), <f32>integer * s);
}

export function f32_qc8w_quantize__simd128(
  outer: i32, channels: i32, inner: i32, w: usize, scale: usize, qmin: i32, qmax: i32,
  q: usize, wq: usize,
): void {
  const lo = f32x4.splat(<f32>qmin);
  const hi = f32x4.splat(<f32>qmax);
  const magic = f32x4.splat(opaque(MAGIC, qmax));
  const one = f32x4.splat(1);
  let i = 0;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      let c = 0;
      for (; c + 4 <= channels; c += 4, i += 4) {
        const s = v128.load(scale + (<usize>c << 2));
        quantizeFour(i, w, s, f32x4.div(one, s), lo, hi, magic, q, wq);
      }
      for (; c < channels; c++, i++) {
        quantizeOne(i, w, load<f32>(scale + (<usize>c << 2)), qmin, qmax, q, wq);
      }
    } else {
      for (let c = 0; c < channels; c++) {
        const s = v128.load32_splat(scale + (<usize>c << 2));
        const inverse = f32x4.div(one, s);
        const end = i + inner, whole = i + (inner & ~15);
        if (i < whole) {
          if (q && wq) quantizeRun(i, whole, w, s, inverse, lo, hi, magic, q, wq);
          else if (q) quantizeRun(i, whole, w, s, inverse, lo, hi, magic, q, 0);
          else quantizeRun(i, whole, w, s, inverse, lo, hi, magic, 0, wq);
          i = whole;
        }
        for (; i + 4 <= end; i += 4) quantizeFour(i, w, s, inverse, lo, hi, magic, q, wq);
        for (; i < end; i++) quantizeOne(i, w, f32x4.extract_lane(s, 0), qmin, qmax, q, wq);
      }
    }
  }
}

/** Elements i … end − 1 of one channel, sixteen a turn; there is one turn at least. */
// @ts-ignore: decorator
@inline
function quantizeRun(
  i: i32, end: i32, w: usize, s: v128, inverse: v128, lo: v128, hi: v128, magic: v128,
  q: usize, wq: usize,
): void {
  do {
    const from = w + (<usize>i << 2);
    const v0 = integersOf(v128.load(from), inverse, lo, hi, magic);
    const v1 = integersOf(v128.load(from, 16), inverse, lo, hi, magic);
    const v2 = integersOf(v128.load(from, 32), inverse, lo, hi, magic);
    const v3 = integersOf(v128.load(from, 48), inverse, lo, hi, magic);
    if (q) {
      v128.store(q + <usize>i, i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(i32x4.sub(v0, magic), i32x4.sub(v1, magic)),
        i16x8.narrow_i32x4_s(i32x4.sub(v2, magic), i32x4.sub(v3, magic)),
      ));
    }
    if (wq) {
      const to = wq + (<usize>i << 2);
      v128.store(to, f32x4.mul(f32x4.sub(v0, magic), s));
      v128.store(to, f32x4.mul(f32x4.sub(v1, magic), s), 16);
      v128.store(to, f32x4.mul(f32x4.sub(v2, magic), s), 32);
      v128.store(to, f32x4.mul(f32x4.sub(v3, magic), s), 48);
    }
    i += 16;
  } while (i < end);
}

/** MAGIC plus the integers of four elements, or, seen as i32, its bits plus them. */
// @ts-ignore: decorator
@inline
function integersOf(w: v128, inverse: v128, lo: v128, hi: v128, magic: v128): v128 {
  return f32x4.add(f32x4.pmin(hi, f32x4.pmax(lo, f32x4.mul(w, inverse))), magic);
}

/** Elements i … i + 3. */
// @ts-ignore: decorator
@inline
function quantizeFour(
  i: i32, w: usize, s: v128, inverse: v128, lo: v128, hi: v128, magic: v128, q: usize, wq: usize,
): void {
  const sum = integersOf(v128.load(w + (<usize>i << 2)), inverse, lo, hi, magic);
  if (q) {
    const integers = i32x4.sub(sum, magic);
    const words = i16x8.narrow_i32x4_s(integers, integers);
    v128.store32_lane(q + <usize>i, i8x16.narrow_i16x8_s(words, words), 0);
  }
  if (wq) v128.store(wq + (<usize>i << 2), f32x4.mul(f32x4.sub(sum, magic), s));
}
