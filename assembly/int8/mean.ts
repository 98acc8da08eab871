import { RescaleParams } from '../abi';
import { storeUpTo16 } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, roundLanes, roundToRange } from '../lib/requantize';

/**
 * Means along an axis of any place: multiplier is s_x / (s_y · n).
 *
 *     y[o, i] = clamp(rte(f32(f32(Σ over j of (x[o, j, i] − inZeroPoint)) · multiplier)) + outZeroPoint, qmin, qmax)
 *
 * x  [outer, n, inner] i8, n and inner ≥ 1, 255·n < 2³¹     y  [outer, inner] i8
 * Reads 15 bytes past x, writes outer·inner bytes.
 */
export function qs8_mean__scalar(
  params: RescaleParams, outer: i32, n: i32, inner: i32, x: usize, y: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += <i32>load<i8>(x + j * inner + i) - params.inZeroPoint;
      store<i8>(y++, rounded(sum, params));
    }
    x += n * inner;
  }
}

// @ts-ignore: decorator
@inline
function rounded(sum: i32, params: RescaleParams): i32 {
  const u = <f32>sum * params.multiplier;
  return roundToRange(u, params.outZeroPoint, params.qmin, params.qmax);
}

export function qs8_mean__simd128(
  params: RescaleParams, outer: i32, n: i32, inner: i32, x: usize, y: usize,
): void {
  for (let o = 0; o < outer; o++) {
    if (inner == 1) store<i8>(y, rounded(sumOfRow(n, x) - n * params.inZeroPoint, params));
    else meanOfColumns(params, n, inner, x, y);
    x += n * inner;
    y += inner;
  }
}

function sumOfRow(n: i32, x: usize): i32 {
  let sums = i32x4.splat(0);
  let j = 0;
  for (; j <= n - 16; j += 16) {
    const pairs = i16x8.extadd_pairwise_i8x16_s(v128.load(x + j));
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(pairs));
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (; j < n; j++) sum += <i32>load<i8>(x + j);
  return sum;
}

/** Sixteen columns at a time, in i16 for 256 rows: 256 · 128 = 2¹⁵, and −2¹⁵ is an i16. */
function meanOfColumns(params: RescaleParams, n: i32, inner: i32, x: usize, y: usize): void {
  const start = i32x4.splat(-n * params.inZeroPoint);
  for (let i = 0; i < inner; i += 16) {
    let sum0 = start, sum1 = start, sum2 = start, sum3 = start;
    let at = x + i;
    for (let j = 0; j < n; j += 256) {
      let low = i16x8.splat(0), high = low;
      let rows = min(n - j, 256);
      do {
        low = i16x8.add(low, v128.load_ext<i8>(at));
        high = i16x8.add(high, v128.load_ext<i8>(at, 8));
        at += inner;
      } while (--rows);
      sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_s(low));
      sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_s(low));
      sum2 = i32x4.add(sum2, i32x4.extend_low_i16x8_s(high));
      sum3 = i32x4.add(sum3, i32x4.extend_high_i16x8_s(high));
    }
    const low = i16x8.narrow_i32x4_s(quantized(sum0, params), quantized(sum1, params));
    const high = i16x8.narrow_i32x4_s(quantized(sum2, params), quantized(sum3, params));
    storeUpTo16(y + i, i8x16.narrow_i16x8_s(low, high), inner - i);
  }
}

function quantized(sums: v128, params: RescaleParams): v128 {
  const zeroPoint = params.outZeroPoint;
  return roundLanes(
    f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.splat(params.multiplier)),
    f32x4.splat(<f32>(params.qmin - zeroPoint)), f32x4.splat(<f32>(params.qmax - zeroPoint)),
    f32x4.splat(MAGIC), i32x4.splat(MAGIC_BITS - zeroPoint),
  );
}
