import { BinaryParams } from '../abi';
import { storeUpTo16 } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundSixteen, roundToRange } from '../lib/requantize';

/**
 * A slope of its own below 0 for each channel; a is x, b is alpha:
 *
 *     u = f32((x − aZeroPoint) · aMultiplier)                            where x ≥ aZeroPoint
 *     u = f32((x − aZeroPoint)(alpha[c] − bZeroPoint) · bMultiplier)      elsewhere
 *     y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * x, y  [rows, channels] i8, rows ≥ 0     alpha  [channels] i8     y may be x.
 * Reads 15 bytes past x and alpha, writes rows·channels bytes.
 */
export function qs8_prelu__scalar(
  rows: i32, channels: i32, x: usize, alpha: usize, y: usize, params: BinaryParams,
): void {
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) {
      const left = <i32>load<i8>(x++) - params.aZeroPoint;
      const slope = <i32>load<i8>(alpha + c) - params.bZeroPoint;
      const u = left >= 0 ? <f32>left * params.aMultiplier : <f32>(left * slope) * params.bMultiplier;
      store<i8>(y++, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
  }
}

export function qs8_prelu__simd128(
  rows: i32, channels: i32, x: usize, alpha: usize, y: usize, params: BinaryParams,
): void {
  if (!params.magic) return qs8_prelu__scalar(rows, channels, x, alpha, y, params);
  const zeroPoint = params.outZeroPoint;
  const xZero = i16x8.splat(<i16>params.aZeroPoint);
  const alphaZero = i16x8.splat(<i16>params.bZeroPoint);
  const above = f32x4.splat(params.aMultiplier);
  const below = f32x4.splat(params.bMultiplier);
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  const lo = i8x16.splat(<i8>params.qmin);
  const hi = i8x16.splat(<i8>params.qmax);
  for (let row = 0; row < rows; row++) {
    let c = 0;
    do {
      const left0 = i16x8.sub(v128.load_ext<i8>(x + c), xZero);
      const left1 = i16x8.sub(v128.load_ext<i8>(x + c, 8), xZero);
      const slope0 = i16x8.sub(v128.load_ext<i8>(alpha + c), alphaZero);
      const slope1 = i16x8.sub(v128.load_ext<i8>(alpha + c, 8), alphaZero);
      const q = roundSixteen(
        bent(
          i32x4.extend_low_i16x8_s(left0), i32x4.extmul_low_i16x8_s(left0, slope0), above, below,
        ),
        bent(
          i32x4.extend_high_i16x8_s(left0), i32x4.extmul_high_i16x8_s(left0, slope0), above, below,
        ),
        bent(
          i32x4.extend_low_i16x8_s(left1), i32x4.extmul_low_i16x8_s(left1, slope1), above, below,
        ),
        bent(
          i32x4.extend_high_i16x8_s(left1), i32x4.extmul_high_i16x8_s(left1, slope1), above, below,
        ),
        magic, magicBits, lo, hi,
      );
      storeUpTo16(y + c, q, channels - c);
      c += 16;
    } while (c < channels);
    x += channels;
    y += channels;
  }
}

/** u of four lanes: x − z and its product with the slope, one of which counts. */
// @ts-ignore: decorator
@inline
function bent(left: v128, product: v128, above: v128, below: v128): v128 {
  const negative = i32x4.shr_s(left, 31);
  return f32x4.mul(
    f32x4.convert_i32x4_s(v128.bitselect(product, left, negative)),
    v128.bitselect(below, above, negative),
  );
}
