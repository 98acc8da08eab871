import { BinaryParams } from '../abi';
import { storeUpTo16 } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundSixteen, roundToRange } from '../lib/requantize';

/**
 * Product of two tensors:
 *
 *     u = f32((a − aZeroPoint)(b − bZeroPoint) · aMultiplier)      y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * a, b, y  [n] i8, n ≥ 0     y may be a or b.   Reads 15 bytes past a and b, writes n bytes.
 */
export function qs8_vmul__scalar(n: i32, a: usize, b: usize, y: usize, params: BinaryParams): void {
  for (let i = 0; i < n; i++) {
    const left = <i32>load<i8>(a + i) - params.aZeroPoint;
    const right = <i32>load<i8>(b + i) - params.bZeroPoint;
    const u = <f32>(left * right) * params.aMultiplier;
    store<i8>(y + i, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
  }
}

export function qs8_vmul__simd128(n: i32, a: usize, b: usize, y: usize, params: BinaryParams): void {
  if (!params.magic) return qs8_vmul__scalar(n, a, b, y, params);
  if (n <= 0) return;
  const zeroPoint = params.outZeroPoint;
  const aZero = i16x8.splat(<i16>params.aZeroPoint);
  const bZero = i16x8.splat(<i16>params.bZeroPoint);
  const multiplier = f32x4.splat(params.aMultiplier);
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  const lo = i8x16.splat(<i8>params.qmin);
  const hi = i8x16.splat(<i8>params.qmax);
  let i = 0;
  // Tested at its end: V8 moves no constant out of a loop that may leave before its body.
  do {
    const left0 = i16x8.sub(v128.load_ext<i8>(a + i), aZero);
    const right0 = i16x8.sub(v128.load_ext<i8>(b + i), bZero);
    const left1 = i16x8.sub(v128.load_ext<i8>(a + i, 8), aZero);
    const right1 = i16x8.sub(v128.load_ext<i8>(b + i, 8), bZero);
    const q = roundSixteen(
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_low_i16x8_s(left0, right0)), multiplier),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_high_i16x8_s(left0, right0)), multiplier),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_low_i16x8_s(left1, right1)), multiplier),
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_high_i16x8_s(left1, right1)), multiplier),
      magic, magicBits, lo, hi,
    );
    storeUpTo16(y + i, q, n - i);
    i += 16;
  } while (i < n);
}
