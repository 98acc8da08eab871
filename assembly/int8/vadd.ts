import { AddParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * Addition of two tensors with their own scales:
 *
 *     v = f32(f32((a − aZeroPoint) · aMultiplier) + f32((b − bZeroPoint) · bMultiplier))
 *     y = clamp(rte(v) + outZeroPoint, qmin, qmax)
 *
 * a, b, y  [n] i8, n ≥ 0     y may be a or b.   Reads 15 bytes past a and b, writes n bytes.
 */
export function qs8_vadd__scalar(n: i32, a: usize, b: usize, y: usize, params: AddParams): void {
  for (let i = 0; i < n; i++) {
    const left = <f32>(<i32>load<i8>(a + i) - params.aZeroPoint) * params.aMultiplier;
    const right = <f32>(<i32>load<i8>(b + i) - params.bZeroPoint) * params.bMultiplier;
    store<i8>(y + i, roundToRange(left + right, params.outZeroPoint, params.qmin, params.qmax));
  }
}

export function qs8_vadd__simd128(n: i32, a: usize, b: usize, y: usize, params: AddParams): void {
  const aZero = i16x8.splat(<i16>params.aZeroPoint);
  const bZero = i16x8.splat(<i16>params.bZeroPoint);
  const aMultiplier = f32x4.splat(params.aMultiplier);
  const bMultiplier = f32x4.splat(params.bMultiplier);
  const zeroPoint = params.outZeroPoint;
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  let i = 0;
  // A loop tested at its end: V8 moves no constant out of one that may leave before its body.
  if (n >= 16) {
    do {
      const q0 = addEight(
        a + i, b + i, aZero, bZero, aMultiplier, bMultiplier, lo, hi, magic, magicBits,
      );
      const q1 = addEight(
        a + i + 8, b + i + 8, aZero, bZero, aMultiplier, bMultiplier, lo, hi, magic, magicBits,
      );
      v128.store(y + i, i8x16.narrow_i16x8_s(q0, q1));
      i += 16;
    } while (i <= n - 16);
  }
  for (; i < n; i += 8) {
    const q = addEight(
      a + i, b + i, aZero, bZero, aMultiplier, bMultiplier, lo, hi, magic, magicBits,
    );
    const bytes = i8x16.narrow_i16x8_s(q, q);
    if (n - i >= 8) v128.store64_lane(y + i, bytes, 0);
    else storeBytes(y + i, bytes, n - i);
  }
}

/** Eight sums, as i16. */
// @ts-ignore: decorator
@inline
function addEight(
  a: usize, b: usize, aZero: v128, bZero: v128, aMultiplier: v128, bMultiplier: v128,
  lo: v128, hi: v128, magic: v128, magicBits: v128,
): v128 {
  const left = i16x8.sub(v128.load_ext<i8>(a), aZero);
  const right = i16x8.sub(v128.load_ext<i8>(b), bZero);
  const low = f32x4.add(
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(left)), aMultiplier),
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(right)), bMultiplier),
  );
  const high = f32x4.add(
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(left)), aMultiplier),
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(right)), bMultiplier),
  );
  return i16x8.narrow_i32x4_s(
    roundLanes(low, lo, hi, magic, magicBits), roundLanes(high, lo, hi, magic, magicBits),
  );
}
