import { QuantizeParams } from '../abi';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * y[r, c] = clamp(f32(f32(x[r, c] · a[c]) + b[c]), lo, hi)      batch normalization with its statistics folded into a and b,
 * and the relu after it; NaN stays NaN
 *
 * x    [rows, channels] f32    read
 * a, b [channels] f32          read
 * y    [rows, channels] f32    written; may be x
 */
export function f32_vaffine__scalar(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize, lo: f32, hi: f32,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += row, y += row) affineRow(channels, x, a, b, y, lo, hi);
}

// @ts-ignore: decorator
@inline
function affineRow(
  channels: i32, x: usize, a: usize, b: usize, y: usize, lo: f32, hi: f32,
): void {
  for (let c: usize = 0, end = <usize>channels << 2; c < end; c += 4) {
    const v = affine(x + c, a + c, b + c);
    const raised = v < lo ? lo : v;
    store<f32>(y + c, hi < raised ? hi : raised);
  }
}

// @ts-ignore: decorator
@inline
function affine(x: usize, a: usize, b: usize): f32 {
  return load<f32>(x) * load<f32>(a) + load<f32>(b);
}

/** a·x + b of four lanes. */
// @ts-ignore: decorator
@inline
export function affineLanes(x: usize, a: usize, b: usize): v128 {
  return f32x4.add(f32x4.mul(v128.load(x), v128.load(a)), v128.load(b));
}

export function f32_vaffine__simd128(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize, lo: f32, hi: f32,
): void {
  const row = <usize>channels << 2;
  const body = <usize>(channels & ~3) << 2;
  const vlo = f32x4.splat(lo);
  const vhi = f32x4.splat(hi);
  for (let r = 0; r < rows; r++, x += row, y += row) {
    let c: usize = 0;
    // Sixteen channels a turn: rows of few channels are short loops.
    for (; c + 64 <= body; c += 64) {
      storeClamped(x + c, a + c, b + c, y + c, vlo, vhi);
      storeClamped(x + c + 16, a + c + 16, b + c + 16, y + c + 16, vlo, vhi);
      storeClamped(x + c + 32, a + c + 32, b + c + 32, y + c + 32, vlo, vhi);
      storeClamped(x + c + 48, a + c + 48, b + c + 48, y + c + 48, vlo, vhi);
    }
    for (; c < body; c += 16) storeClamped(x + c, a + c, b + c, y + c, vlo, vhi);
    if (channels & 3) affineRow(channels & 3, x + body, a + body, b + body, y + body, lo, hi);
  }
}

// @ts-ignore: decorator
@inline
function storeClamped(x: usize, a: usize, b: usize, y: usize, lo: v128, hi: v128): void {
  v128.store(y, f32x4.pmin(f32x4.pmax(affineLanes(x, a, b), lo), hi));
}

/**
 * y[r, c] = clamp(rte(f32(f32(f32(x[r, c] · a[c]) + b[c]) · inverseScale)) + zeroPoint, qmin, qmax), NaN counts as 0
 *
 * x    [rows, channels] f32    read
 * a, b [channels] f32          read
 * y    [rows, channels] i8     written
 */
export function f32_qs8_vaffine__scalar(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize, params: QuantizeParams,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += row, y += channels) {
    quantizedRow(channels, x, a, b, y, params);
  }
}

// @ts-ignore: decorator
@inline
function quantizedRow(
  channels: i32, x: usize, a: usize, b: usize, y: usize, params: QuantizeParams,
): void {
  for (let c: usize = 0; c < <usize>channels; c++) {
    const at = c << 2;
    const v = affine(x + at, a + at, b + at) * params.inverseScale;
    const q = roundToRange(isNaN(v) ? 0 : v, params.zeroPoint, params.qmin, params.qmax);
    store<i8>(y + c, <i8>q);
  }
}

export function f32_qs8_vaffine__simd128(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize, params: QuantizeParams,
): void {
  const scale = f32x4.splat(params.inverseScale);
  const zeroPoint = params.zeroPoint;
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const bits = i32x4.splat(MAGIC_BITS - zeroPoint);
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += row, y += channels) {
    let c: usize = 0;
    for (; c + 64 <= row; c += 64) {
      const q0 = quantized(x + c, a + c, b + c, scale, lo, hi, magic, bits);
      const q1 = quantized(x + c + 16, a + c + 16, b + c + 16, scale, lo, hi, magic, bits);
      const q2 = quantized(x + c + 32, a + c + 32, b + c + 32, scale, lo, hi, magic, bits);
      const q3 = quantized(x + c + 48, a + c + 48, b + c + 48, scale, lo, hi, magic, bits);
      v128.store(y + (c >> 2), i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3),
      ));
    }
    for (; c + 16 <= row; c += 16) {
      const q = quantized(x + c, a + c, b + c, scale, lo, hi, magic, bits);
      const wide = i16x8.narrow_i32x4_s(q, q);
      v128.store32_lane(y + (c >> 2), i8x16.narrow_i16x8_s(wide, wide), 0);
    }
    if (channels & 3) quantizedRow(channels & 3, x + c, a + c, b + c, y + (c >> 2), params);
  }
}

// @ts-ignore: decorator
@inline
function quantized(
  x: usize, a: usize, b: usize, scale: v128, lo: v128, hi: v128, magic: v128, bits: v128,
): v128 {
  const v = f32x4.mul(affineLanes(x, a, b), scale);
  return roundLanes(v128.and(v, f32x4.eq(v, v)), lo, hi, magic, bits);
}
