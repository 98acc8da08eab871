import { BinaryParams } from '../abi';
import { storeUpTo16 } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundSixteen, roundToRange } from '../lib/requantize';
import {
  EXPONENT, exponentWords, flipBytes, highWords, lowWords, realsHigh, realsLow,
} from '../lib/reals';

/**
 * Addition of two tensors with their own scales; with −bMultiplier it subtracts:
 *
 *     u = f32(f32((a − aZeroPoint) · aMultiplier) + f32((b − bZeroPoint) · bMultiplier))
 *     y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * a, b, y  [n] i8, n ≥ 0     y may be a or b.   Reads 15 bytes past a and b, writes n bytes.
 */
export function qs8_vadd__scalar(n: i32, a: usize, b: usize, y: usize, params: BinaryParams): void {
  for (let i = 0; i < n; i++) {
    const left = <f32>(<i32>load<i8>(a + i) - params.aZeroPoint) * params.aMultiplier;
    const right = <f32>(<i32>load<i8>(b + i) - params.bZeroPoint) * params.bMultiplier;
    store<i8>(y + i, roundToRange(left + right, params.outZeroPoint, params.qmin, params.qmax));
  }
}

export function qs8_vadd__simd128(n: i32, a: usize, b: usize, y: usize, params: BinaryParams): void {
  if (!params.magic) return qs8_vadd__scalar(n, a, b, y, params);
  if (n <= 0) return;
  const zeroPoint = params.outZeroPoint;
  const flip = flipBytes(zeroPoint);
  const exponent = exponentWords(zeroPoint);
  const aZero = f32x4.splat(EXPONENT + 128 + <f32>params.aZeroPoint);
  const bZero = f32x4.splat(EXPONENT + 128 + <f32>params.bZeroPoint);
  const aMultiplier = f32x4.splat(params.aMultiplier);
  const bMultiplier = f32x4.splat(params.bMultiplier);
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  const lo = i8x16.splat(<i8>params.qmin);
  const hi = i8x16.splat(<i8>params.qmax);
  let i = 0;
  // Tested at its end: V8 moves no constant out of a loop that may leave before its body.
  do {
    const left = v128.xor(v128.load(a + i), flip);
    const right = v128.xor(v128.load(b + i), flip);
    const left0 = lowWords(left), right0 = lowWords(right);
    const u0 = f32x4.add(
      f32x4.mul(realsLow(left0, exponent, aZero), aMultiplier),
      f32x4.mul(realsLow(right0, exponent, bZero), bMultiplier),
    );
    const u1 = f32x4.add(
      f32x4.mul(realsHigh(left0, exponent, aZero), aMultiplier),
      f32x4.mul(realsHigh(right0, exponent, bZero), bMultiplier),
    );
    const left1 = highWords(left), right1 = highWords(right);
    const u2 = f32x4.add(
      f32x4.mul(realsLow(left1, exponent, aZero), aMultiplier),
      f32x4.mul(realsLow(right1, exponent, bZero), bMultiplier),
    );
    const u3 = f32x4.add(
      f32x4.mul(realsHigh(left1, exponent, aZero), aMultiplier),
      f32x4.mul(realsHigh(right1, exponent, bZero), bMultiplier),
    );
    storeUpTo16(y + i, roundSixteen(u0, u1, u2, u3, magic, magicBits, lo, hi), n - i);
    i += 16;
  } while (i < n);
}
