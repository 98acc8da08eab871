import { ConvParams } from '../abi';
import { alignTo16, storeBytes } from '../lib/lanes';
import {
  clampLanes, clampToBytes, roundToRange, roundToShorts, scaleAcc, scaleLanes, writeRoundingLanes,
} from '../lib/requantize';

/**
 * A dense layer of a few rows: each weight is met once or twice, so reading them is the work, and they stay i8.
 *
 *     y[r, n] = clamp(rte(u) + outZeroPoint, qmin, qmax)        u = f32(f32(f32(acc + bias[n]) · multiplier[n]) + addend[n])
 *     acc[r, n] = Σ_k (x[r, k] − inZeroPoint) · w[n, k]         weights have zero point 0
 *
 * x  [rows, k] i8, inStride bytes from row to row     k = inChannels, rows = outHeight; nothing else of the geometry is read
 * w  packed by qs8_pack_gemv_weights(n = outChannels, k)
 * y  [rows, outChannels] i8, outStride bytes from row to row
 *
 * Computes the panels of eight outputs first … first + count − 1; x, w and y point to the whole tensors.
 * Reads 15 bytes past x, writes outChannels bytes a row. Scratch, gemvScratchBytes(rows, k):
 *
 *     rounding lanes 96 | x − inZeroPoint i16 [rows][k rounded up to 16]
 */
export function qs8_gemv__simd128(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  const k = params.inChannels;
  const wBytes: usize = ((k + 7) & ~7) << 3;
  const wideBytes: usize = alignTo16(k) << 1;
  writeRoundingLanes(scratch, params.outZeroPoint, params.qmin, params.qmax);
  const rows = scratch + 96;
  for (let r = 0; r < params.outHeight; r++) {
    widen(x + r * params.inStride, k, params.inZeroPoint, rows + <usize>r * wideBytes);
  }
  w += <usize>first * wBytes;
  for (const end = first + count; first < end; first++) {
    const n = first << 3;
    for (let r = 0; r < params.outHeight; r++) {
      const wide = rows + <usize>r * wideBytes;
      panel(params, wide, w, wBytes, n, y + r * params.outStride + n, scratch);
    }
    w += wBytes;
  }
}

/** x − zeroPoint in i16. What lies past k meets weights that are 0. */
// @ts-ignore: decorator
@inline
function widen(x: usize, k: i32, zeroPoint: i32, to: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  for (let i = 0; i < k; i += 8) {
    v128.store(to, i16x8.sub(v128.load_ext<i8>(x + i), zero));
    to += 16;
  }
}

/** Eight outputs of one row. Four pairs a turn: loads are many here and accumulators few. */
// @ts-ignore: decorator
@inline
function panel(
  params: ConvParams, x: usize, w: usize, wBytes: usize, n: i32, y: usize, lanes: usize,
): void {
  let low = v128.load(params.bias + (n << 2)), high = v128.load(params.bias + (n << 2), 16);
  const end = w + wBytes;
  do {
    const x0 = v128.load32_splat(x);
    low = i32x4.add(low, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(w)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(w, 8)));
    const x1 = v128.load32_splat(x, 4);
    low = i32x4.add(low, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(w, 16)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(w, 24)));
    const x2 = v128.load32_splat(x, 8);
    low = i32x4.add(low, i32x4.dot_i16x8_s(x2, v128.load_ext<i8>(w, 32)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(x2, v128.load_ext<i8>(w, 40)));
    const x3 = v128.load32_splat(x, 12);
    low = i32x4.add(low, i32x4.dot_i16x8_s(x3, v128.load_ext<i8>(w, 48)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(x3, v128.load_ext<i8>(w, 56)));
    x += 16;
    w += 64;
  } while (w < end);
  const multiplier = params.multiplier + (n << 2), addend = params.addend + (n << 2);
  low = scaleLanes(low, v128.load(multiplier), v128.load(addend));
  high = scaleLanes(high, v128.load(multiplier, 16), v128.load(addend, 16));
  if (!params.magic) {
    low = clampLanes(low, lanes);
    high = clampLanes(high, lanes);
  }
  const shorts = roundToShorts(low, high, lanes);
  const bytes = clampToBytes(shorts, shorts, lanes);
  const columns = params.outChannels - n;
  if (columns >= 8) v128.store64_lane(y, bytes, 0);
  else storeBytes(y, bytes, columns);
}

export function qs8_gemv__scalar(
  params: ConvParams, first: i32, count: i32, x: usize, w: usize, y: usize, scratch: usize,
): void {
  const k = params.inChannels;
  const wBytes = ((k + 7) & ~7) << 3;
  for (let n = first << 3; n < min((first + count) << 3, params.outChannels); n++) {
    const at = w + (n >> 3) * wBytes + ((n & 7) << 1);
    for (let r = 0; r < params.outHeight; r++) {
      let acc = 0;
      for (let i = 0; i < k; i++) {
        const value = <i32>load<i8>(x + r * params.inStride + i) - params.inZeroPoint;
        acc += value * load<i8>(at + ((i >> 1) << 4) + (i & 1));
      }
      const u = scaleAcc(acc, load<i32>(params.bias + (n << 2)),
        load<f32>(params.multiplier + (n << 2)), load<f32>(params.addend + (n << 2)));
      store<i8>(y + r * params.outStride + n,
        roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
  }
}

/**
 * Weights of qs8_gemv: panels of 8 outputs, two of k side by side. Packed once a load, and memory is the limit: the plain
 * loop is the kernel of both modules.
 *
 * w       [n, k] i8
 * packed  [ceil(n/8)][4·ceil(k/8)][8][2] i8, 0 where n or k ends
 */
export function qs8_pack_gemv_weights__scalar(n: i32, k: i32, w: usize, packed: usize): void {
  for (let panel = 0; panel < n; panel += 8) {
    for (let t = 0; t < ((k + 7) & ~7); t += 2) {
      for (let j = panel; j < panel + 8; j++) {
        for (let i = t; i < t + 2; i++) {
          store<i8>(packed++, j < n && i < k ? load<i8>(w + j * k + i) : 0);
        }
      }
    }
  }
}
