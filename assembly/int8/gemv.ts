import { ConvParams } from '../abi';
import { alignTo16, storeBytes } from '../lib/lanes';
import {
  clampLanes, clampToBytes, roundToRange, roundToShorts, scaleAcc, scaleLanes, writeRoundingLanes,
} from '../lib/requantize';

/**
 * A dense layer of a few rows: each weight is met once or twice, so reading them is the work, and they stay as they are.
 *
 *     y[r, n] = clamp(rte(u) + outZeroPoint, qmin, qmax)        u = f32(f32(f32(acc + bias[n]) · multiplier[n]) + addend[n])
 *     acc[r, n] = Σ_k (x[r, k] − inZeroPoint) · w[n, k]         weights have zero point 0
 *
 * x  [rows, k] i8, inStride bytes from row to row     k = inChannels, rows = outHeight; nothing else of the geometry is read
 * w  [outChannels, k] i8
 * y  [rows, outChannels] i8, outStride bytes from row to row
 *
 * Computes the panels of eight outputs first … first + count − 1; x, w and y point to the whole tensors.
 * Reads 15 bytes past x and w, writes outChannels bytes a row. Scratch, gemvScratchBytes(rows, k):
 *
 *     rounding lanes 96 | x − inZeroPoint i16 [rows][k rounded up to 16]
 */
export function qs8_gemv__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  const k = params.inChannels;
  const wideBytes: usize = alignTo16(k) << 1;
  writeRoundingLanes(scratch, params.outZeroPoint, params.qmin, params.qmax);
  const rows = scratch + 96;
  for (let r = 0; r < params.outHeight; r++) {
    widen(x + r * params.inStride, k, params.inZeroPoint, rows + <usize>r * wideBytes);
  }
  for (const end = first + count; first < end; first++) {
    const n = first << 3;
    for (let r = 0; r < params.outHeight; r++) {
      panel(params, rows + <usize>r * wideBytes, w + n * k, n, y + r * params.outStride + n, scratch);
    }
  }
}

/** x − zeroPoint in i16. What lies past k, up to a multiple of 16, is 0: what it meets are weights of other rows. */
// @ts-ignore: decorator
@inline
function widen(x: usize, k: i32, zeroPoint: i32, to: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  const end = to + (k << 1);
  for (let i = 0; i < k; i += 16) {
    v128.store(to, i16x8.sub(v128.load_ext<i8>(x + i), zero));
    v128.store(to, i16x8.sub(v128.load_ext<i8>(x + i, 8), zero), 16);
    to += 32;
  }
  if (end < to) memory.fill(end, 0, to - end);
}

/** Eight outputs of one row: eight rows of weights, an accumulator each. Where there are fewer, the last row stands in. */
// @ts-ignore: decorator
@inline
function panel(params: ConvParams, x: usize, w: usize, n: i32, y: usize, lanes: usize): void {
  const k = params.inChannels, columns = params.outChannels - n, last = columns - 1;
  let w0 = w, w1 = w + min(1, last) * k, w2 = w + min(2, last) * k, w3 = w + min(3, last) * k;
  let w4 = w + min(4, last) * k, w5 = w + min(5, last) * k;
  let w6 = w + min(6, last) * k, w7 = w + min(7, last) * k;
  let sum0 = i32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  let sum4 = sum0, sum5 = sum0, sum6 = sum0, sum7 = sum0;
  const end = x + (k << 1);
  do {
    const xs = v128.load(x);
    sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w0)));
    sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w1)));
    sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w2)));
    sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w3)));
    sum4 = i32x4.add(sum4, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w4)));
    sum5 = i32x4.add(sum5, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w5)));
    sum6 = i32x4.add(sum6, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w6)));
    sum7 = i32x4.add(sum7, i32x4.dot_i16x8_s(xs, v128.load_ext<i8>(w7)));
    const more = v128.load(x, 16);
    sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w0, 8)));
    sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w1, 8)));
    sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w2, 8)));
    sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w3, 8)));
    sum4 = i32x4.add(sum4, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w4, 8)));
    sum5 = i32x4.add(sum5, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w5, 8)));
    sum6 = i32x4.add(sum6, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w6, 8)));
    sum7 = i32x4.add(sum7, i32x4.dot_i16x8_s(more, v128.load_ext<i8>(w7, 8)));
    w0 += 16, w1 += 16, w2 += 16, w3 += 16, w4 += 16, w5 += 16, w6 += 16, w7 += 16;
    x += 32;
  } while (x < end);
  const bias = params.bias + (n << 2);
  let low = i32x4.add(sumsOf(sum0, sum1, sum2, sum3), v128.load(bias));
  let high = i32x4.add(sumsOf(sum4, sum5, sum6, sum7), v128.load(bias, 16));
  const multiplier = params.multiplier + (n << 2), addend = params.addend + (n << 2);
  low = scaleLanes(low, v128.load(multiplier), v128.load(addend));
  high = scaleLanes(high, v128.load(multiplier, 16), v128.load(addend, 16));
  if (!params.magic) {
    low = clampLanes(low, lanes);
    high = clampLanes(high, lanes);
  }
  const shorts = roundToShorts(low, high, lanes);
  const bytes = clampToBytes(shorts, shorts, lanes);
  if (columns >= 8) v128.store64_lane(y, bytes, 0);
  else storeBytes(y, bytes, columns);
}

/** The sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3));
}

export function qs8_gemv__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  const k = params.inChannels;
  for (let n = first << 3; n < min((first + count) << 3, params.outChannels); n++) {
    for (let r = 0; r < params.outHeight; r++) {
      let acc = 0;
      for (let i = 0; i < k; i++) {
        const value = <i32>load<i8>(x + r * params.inStride + i) - params.inZeroPoint;
        acc += value * load<i8>(w + n * k + i);
      }
      const u = scaleAcc(acc, load<i32>(params.bias + (n << 2)),
        load<f32>(params.multiplier + (n << 2)), load<f32>(params.addend + (n << 2)));
      store<i8>(y + r * params.outStride + n,
        roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
  }
}
