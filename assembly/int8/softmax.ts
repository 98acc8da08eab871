import { RescaleParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';
import { maxOf } from './argmax';

/**
 * Softmax of each row, with the exponentials of all 256 distances in a table:
 *
 *     m = max of x      e_i = table[m − x_i]      S = f32 sum of e_i in the order of i
 *     u = f32(f32(e_i · f32(1/S)) · multiplier)      y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * x, y  [rows, n] i8, n ≥ 1     table  [256] f32 in [0, 1], table[0] = 1     y may be x.   inZeroPoint is not read.
 * Reads 15 bytes past x, writes rows·n bytes.
 */
export function qs8_softmax__scalar(
  rows: i32, n: i32, x: usize, table: usize, y: usize, params: RescaleParams,
): void {
  for (let row = 0; row < rows; row++) {
    let most = -128;
    for (let i = 0; i < n; i++) most = max(most, <i32>load<i8>(x + i));
    const inverse = <f32>1 / sumOf(n, x, table, most);
    for (let i = 0; i < n; i++) {
      const u = load<f32>(table + ((most - <i32>load<i8>(x + i)) << 2)) * inverse * params.multiplier;
      store<i8>(y + i, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
    x += n;
    y += n;
  }
}

/** Σ table[most − x_i] in the order of i */
function sumOf(n: i32, x: usize, table: usize, most: i32): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < n; i++) sum += load<f32>(table + ((most - <i32>load<i8>(x + i)) << 2));
  return sum;
}

export function qs8_softmax__simd128(
  rows: i32, n: i32, x: usize, table: usize, y: usize, params: RescaleParams,
): void {
  const zeroPoint = params.outZeroPoint;
  const multiplier = f32x4.splat(params.multiplier);
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  for (let row = 0; row < rows; row++) {
    const most = maxOf(n, x);
    const inverse = f32x4.splat(<f32>1 / sumOf(n, x, table, most));
    let i = 0;
    do {
      let e = v128.load32_zero(entry(x + i, table, most));
      e = v128.load_lane<f32>(entry(x + i + 1, table, most), e, 1);
      e = v128.load_lane<f32>(entry(x + i + 2, table, most), e, 2);
      e = v128.load_lane<f32>(entry(x + i + 3, table, most), e, 3);
      const u = f32x4.mul(f32x4.mul(e, inverse), multiplier);
      const q = roundLanes(u, lo, hi, magic, magicBits);
      const wide = i16x8.narrow_i32x4_s(q, q);
      storeBytes(y + i, i8x16.narrow_i16x8_s(wide, wide), min(n - i, 4));
      i += 4;
    } while (i < n);
    x += n;
    y += n;
  }
}

/** Address of e. Past the end of a row m − x may be negative: one byte of it keeps the read inside the table. */
// @ts-ignore: decorator
@inline
function entry(x: usize, table: usize, most: i32): usize {
  return table + (((most - <i32>load<i8>(x)) & 255) << 2);
}
