import { QuantizeParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * y = clamp(rte(f32(x · inverseScale)) + zeroPoint, qmin, qmax), NaN counts as 0 (so it becomes clamp(zeroPoint))
 *
 * x  [n] f32, any value     y  [n] i8, n ≥ 0     Reads 15 bytes past x, writes n bytes.
 */
export function f32_qs8_vquantize__scalar(
  n: i32, x: usize, y: usize, params: QuantizeParams,
): void {
  for (let i = 0; i < n; i++) {
    const v = load<f32>(x + (i << 2)) * params.inverseScale;
    store<i8>(
      y + i, roundToRange(isNaN(v) ? 0 : v, params.zeroPoint, params.qmin, params.qmax),
    );
  }
}

export function f32_qs8_vquantize__simd128(
  n: i32, x: usize, y: usize, params: QuantizeParams,
): void {
  const scale = f32x4.splat(params.inverseScale);
  const zeroPoint = params.zeroPoint;
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  let i = 0;
  // Loops tested at their end: V8 moves no constant out of one that may leave before its body.
  if (n >= 16) {
    do {
      const from = x + (i << 2);
      const q0 = roundLanes(product(from, scale), lo, hi, magic, magicBits);
      const q1 = roundLanes(product(from + 16, scale), lo, hi, magic, magicBits);
      const q2 = roundLanes(product(from + 32, scale), lo, hi, magic, magicBits);
      const q3 = roundLanes(product(from + 48, scale), lo, hi, magic, magicBits);
      v128.store(y + i, i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3),
      ));
      i += 16;
    } while (i <= n - 16);
  }
  for (; i < n; i += 4) {
    const q = roundLanes(product(x + (i << 2), scale), lo, hi, magic, magicBits);
    const wide = i16x8.narrow_i32x4_s(q, q);
    storeBytes(y + i, i8x16.narrow_i16x8_s(wide, wide), min(4, n - i));
  }
}

/** x · inverseScale, 0 where x is NaN. */
// @ts-ignore: decorator
@inline
function product(x: usize, scale: v128): v128 {
  const v = f32x4.mul(v128.load(x), scale);
  return v128.and(v, f32x4.eq(v, v));
}

/**
 * y = f32((x − zeroPoint) · scale)
 *
 * x  [n] i8     y  [n] f32, n ≥ 0     Reads 15 bytes past x, writes 4n bytes.
 */
export function qs8_f32_vdequantize__scalar(
  n: i32, x: usize, y: usize, params: QuantizeParams,
): void {
  for (let i = 0; i < n; i++) {
    store<f32>(y + (i << 2), <f32>(<i32>load<i8>(x + i) - params.zeroPoint) * params.scale);
  }
}

export function qs8_f32_vdequantize__simd128(
  n: i32, x: usize, y: usize, params: QuantizeParams,
): void {
  const scale = f32x4.splat(params.scale);
  const zero = i16x8.splat(<i16>params.zeroPoint);
  let i = 0;
  if (n >= 8) {
    do {
      const wide = i16x8.sub(v128.load_ext<i8>(x + i), zero);
      const to = y + (i << 2);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide)), scale));
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(wide)), scale), 16);
      i += 8;
    } while (i <= n - 8);
  }
  for (; i < n; i++) {
    store<f32>(y + (i << 2), <f32>(<i32>load<i8>(x + i) - params.zeroPoint) * params.scale);
  }
}
