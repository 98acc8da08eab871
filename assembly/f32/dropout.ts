/**
 * y[i] = h(i) ≥ threshold ? x[i] · scale : 0      h(i) in [0, 2³²), compared without sign
 *
 * h(i) = mix(i · 0x9e3779b9 + seed) with the finalizer of MurmurHash3 (Appleby, public domain): what becomes of an element
 * depends on its place alone.
 *
 * x [n] f32    read
 * y [n] f32    written; may be x
 */
export function f32_dropout__scalar(
  n: i32, seed: i32, threshold: i32, scale: f32, x: usize, y: usize,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2;
    let h = <u32>i * 0x9e3779b9 + <u32>seed;
    h = (h ^ (h >>> 16)) * 0x85ebca6b;
    h = (h ^ (h >>> 13)) * 0xc2b2ae35;
    h ^= h >>> 16;
    store<f32>(y + at, h >= <u32>threshold ? load<f32>(x + at) * scale : 0);
  }
}

// @ts-ignore: decorator
@inline
function mixed(h: v128, shift: i32, factor: i32): v128 {
  return i32x4.mul(v128.xor(h, i32x4.shr_u(h, shift)), i32x4.splat(factor));
}

/** The tail is the scalar loop with the seed of its first place. */
export function f32_dropout__simd128(
  n: i32, seed: i32, threshold: i32, scale: f32, x: usize, y: usize,
): void {
  const vscale = f32x4.splat(scale);
  const vthreshold = i32x4.splat(threshold);
  const step = i32x4.splat(<i32>(4 * <u32>0x9e3779b9));
  let places = i32x4.add(
    i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(<i32>0x9e3779b9)), i32x4.splat(seed),
  );
  const whole = n & ~3;
  for (const end = y + (<usize>whole << 2); y < end; x += 16, y += 16) {
    let h = mixed(mixed(places, 16, <i32>0x85ebca6b), 13, <i32>0xc2b2ae35);
    h = v128.xor(h, i32x4.shr_u(h, 16));
    const kept = i32x4.ge_u(h, vthreshold);
    v128.store(y, v128.and(f32x4.mul(v128.load(x), vscale), kept));
    places = i32x4.add(places, step);
  }
  f32_dropout__scalar(n & 3, seed + whole * <i32>0x9e3779b9, threshold, scale, x, y);
}
