import { RescaleParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * Each row by its length; a row of zeros stays one:
 *
 *     S = max(1, Σ (x_i − inZeroPoint)²)      r = f32(1 / f32(sqrt(f32(S))))
 *     u = f32(f32((x_i − inZeroPoint) · r) · multiplier)      y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * x, y  [rows, n] i8, n ≥ 1, 255²·n < 2³¹     y may be x.   Reads 15 bytes past x, writes rows·n bytes.
 */
export function qs8_l2norm__scalar(
  rows: i32, n: i32, x: usize, y: usize, params: RescaleParams,
): void {
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const d = <i32>load<i8>(x + i) - params.inZeroPoint;
      sum += d * d;
    }
    const inverse = <f32>1 / sqrt<f32>(<f32>max(sum, 1));
    for (let i = 0; i < n; i++) {
      const u = <f32>(<i32>load<i8>(x + i) - params.inZeroPoint) * inverse * params.multiplier;
      store<i8>(y + i, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
    x += n;
    y += n;
  }
}

export function qs8_l2norm__simd128(
  rows: i32, n: i32, x: usize, y: usize, params: RescaleParams,
): void {
  const zeroPoint = params.outZeroPoint;
  const zero = i16x8.splat(<i16>params.inZeroPoint);
  const multiplier = f32x4.splat(params.multiplier);
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  for (let row = 0; row < rows; row++) {
    const sum = squares(n, x, zero, params.inZeroPoint);
    const inverse = f32x4.splat(<f32>1 / sqrt<f32>(<f32>max(sum, 1)));
    let i = 0;
    do {
      const wide = i16x8.sub(v128.load_ext<i8>(x + i), zero);
      const low = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide)), inverse);
      const high = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(wide)), inverse);
      const q = i16x8.narrow_i32x4_s(
        roundLanes(f32x4.mul(low, multiplier), lo, hi, magic, magicBits),
        roundLanes(f32x4.mul(high, multiplier), lo, hi, magic, magicBits),
      );
      const bytes = i8x16.narrow_i16x8_s(q, q);
      if (n - i >= 8) v128.store64_lane(y + i, bytes, 0);
      else storeBytes(y + i, bytes, n - i);
      i += 8;
    } while (i < n);
    x += n;
    y += n;
  }
}

/** Σ (x_i − zero)² */
// @ts-ignore: decorator
@inline
function squares(n: i32, x: usize, zero: v128, zeroPoint: i32): i32 {
  let sums = i32x4.splat(0);
  let i = 0;
  for (; i <= n - 8; i += 8) {
    const wide = i16x8.sub(v128.load_ext<i8>(x + i), zero);
    sums = i32x4.add(sums, i32x4.dot_i16x8_s(wide, wide));
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (; i < n; i++) {
    const d = <i32>load<i8>(x + i) - zeroPoint;
    sum += d * d;
  }
  return sum;
}
