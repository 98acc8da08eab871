import { BinaryParams } from '../abi';
import {
  EXPONENT, exponentWords, flipBytes, highWords, lowWords, realsHigh, realsLow,
} from '../lib/reals';
import { storeUpTo16 } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundSixteen, roundToRange } from '../lib/requantize';

/**
 * The lesser of two tensors with their own scales, or with larger = −1 the larger; larger is 0 or −1:
 *
 *     u = min(f32((a − aZeroPoint) · aMultiplier), f32((b − bZeroPoint) · bMultiplier))
 *     y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * a, b, y  [n] i8, n ≥ 0     y may be a or b.   Reads 15 bytes past a and b, writes n bytes.
 */
export function qs8_vminmax__scalar(
  n: i32, a: usize, b: usize, y: usize, params: BinaryParams, larger: i32,
): void {
  for (let i = 0; i < n; i++) {
    const left = <f32>(<i32>load<i8>(a + i) - params.aZeroPoint) * params.aMultiplier;
    const right = <f32>(<i32>load<i8>(b + i) - params.bZeroPoint) * params.bMultiplier;
    const u = larger ? max(left, right) : min(left, right);
    store<i8>(y + i, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
  }
}

export function qs8_vminmax__simd128(
  n: i32, a: usize, b: usize, y: usize, params: BinaryParams, larger: i32,
): void {
  if (!params.magic) return qs8_vminmax__scalar(n, a, b, y, params, larger);
  if (n <= 0) return;
  const zeroPoint = params.outZeroPoint;
  const flip = flipBytes(zeroPoint);
  const exponent = exponentWords(zeroPoint);
  const aZero = f32x4.splat(EXPONENT + 128 + <f32>params.aZeroPoint);
  const bZero = f32x4.splat(EXPONENT + 128 + <f32>params.bZeroPoint);
  const aMultiplier = f32x4.splat(params.aMultiplier);
  const bMultiplier = f32x4.splat(params.bMultiplier);
  const inverted = i32x4.splat(larger);
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
    const left1 = highWords(left), right1 = highWords(right);
    const q = roundSixteen(
      choose(
        f32x4.mul(realsLow(left0, exponent, aZero), aMultiplier),
        f32x4.mul(realsLow(right0, exponent, bZero), bMultiplier), inverted,
      ),
      choose(
        f32x4.mul(realsHigh(left0, exponent, aZero), aMultiplier),
        f32x4.mul(realsHigh(right0, exponent, bZero), bMultiplier), inverted,
      ),
      choose(
        f32x4.mul(realsLow(left1, exponent, aZero), aMultiplier),
        f32x4.mul(realsLow(right1, exponent, bZero), bMultiplier), inverted,
      ),
      choose(
        f32x4.mul(realsHigh(left1, exponent, aZero), aMultiplier),
        f32x4.mul(realsHigh(right1, exponent, bZero), bMultiplier), inverted,
      ),
      magic, magicBits, lo, hi,
    );
    storeUpTo16(y + i, q, n - i);
    i += 16;
  } while (i < n);
}

/** The lesser lanes, or where `inverted` is all ones the others. */
// @ts-ignore: decorator
@inline
function choose(left: v128, right: v128, inverted: v128): v128 {
  return v128.bitselect(left, right, v128.xor(f32x4.lt(left, right), inverted));
}
