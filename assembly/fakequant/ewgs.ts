import { MAGIC, opaque } from '../lib/requantize';

/**
 * Element-wise gradient scaling (Lee 2021, eq. (6)): dx = dx·(1 + δ·sign(dx)·(v − rte(v))), v = f32(x · f32(1/scale[c])), as
 * dx + |dx|·(δ·(v − rte(v))), each step rounded to f32. A gradient that points away from the integer is made larger than
 * one that points to it. Zeros stay, whatever x.
 *
 * x     [outer, channels, inner] f32    read, what was rounded; |v| < 2²² where dx is not 0
 * scale [channels] f32                  read, positive
 * dx    [outer, channels, inner] f32    changed in place
 */
export function f32_ewgs__scalar(
  outer: i32, channels: i32, inner: i32, x: usize, scale: usize, dx: usize, factor: f32,
): void {
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const inverse: f32 = 1 / load<f32>(scale + (<usize>c << 2));
      for (const end = x + (<usize>inner << 2); x < end; x += 4, dx += 4) one(x, inverse, dx, factor);
    }
  }
}

// @ts-ignore: decorator
@inline
function one(x: usize, inverse: f32, dx: usize, factor: f32): void {
  const g = load<f32>(dx);
  if (g == 0) return;
  const v = load<f32>(x) * inverse;
  store<f32>(dx, g + abs<f32>(g) * (factor * (v - nearest<f32>(v))));
}

export function f32_ewgs__simd128(
  outer: i32, channels: i32, inner: i32, x: usize, scale: usize, dx: usize, factor: f32,
): void {
  const factors = f32x4.splat(factor);
  const magic = f32x4.splat(opaque(MAGIC, inner));
  const unit = f32x4.splat(1);
  for (let o = 0; o < outer; o++) {
    let c = 0;
    if (inner == 1) {
      for (; c + 4 <= channels; c += 4, x += 16, dx += 16) {
        four(x, f32x4.div(unit, v128.load(scale + (<usize>c << 2))), dx, factors, magic);
      }
    }
    for (; c < channels; c++) {
      const inverse = f32x4.div(unit, v128.load32_splat(scale + (<usize>c << 2)));
      const end = x + (<usize>inner << 2);
      for (; x + 16 <= end; x += 16, dx += 16) four(x, inverse, dx, factors, magic);
      for (; x < end; x += 4, dx += 4) one(x, f32x4.extract_lane(inverse, 0), dx, factor);
    }
  }
}

// @ts-ignore: decorator
@inline
function four(x: usize, inverse: v128, dx: usize, factors: v128, magic: v128): void {
  const g = v128.load(dx);
  const v = f32x4.mul(v128.load(x), inverse);
  const r = f32x4.sub(f32x4.add(v, magic), magic);
  const share = f32x4.mul(factors, f32x4.sub(v, r));
  const scaled = f32x4.add(g, f32x4.mul(f32x4.abs(g), share));
  v128.store(dx, v128.bitselect(scaled, g, f32x4.ne(g, f32x4.splat(0))));
}
