import { NormParams } from '../abi';
import { storeBytes } from '../lib/lanes';
import { MAGIC, MAGIC_BITS, opaque, roundLanes, roundToRange } from '../lib/requantize';

/**
 * Each row by its own mean and deviation, with d_i = x_i − inZeroPoint:
 *
 *     S = Σ d_i      V = n·Σ d_i² − S²      both exact      r = f32(1 / sqrt(f64(V) + f64(epsilon)))      in f64
 *     u = f32(f32(f32(f32(n·d_i − S) · r) · multiplier[i]) + addend[i])
 *     y = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * (n·d − S)/n is the distance from the mean and V/n² the variance, in steps of x: no difference of rounded numbers.
 *
 * x, y  [rows, n] i8, n ≥ 1, 255²·n < 2³¹     multiplier, addend  [n] f32, with n rounded up to 8 readable
 * y may be x.   Reads 15 bytes past x, writes rows·n bytes.
 */
export function qs8_layernorm__scalar(
  rows: i32, n: i32, x: usize, y: usize, params: NormParams,
): void {
  for (let row = 0; row < rows; row++) {
    let sum = 0, squares = 0;
    for (let i = 0; i < n; i++) {
      const d = <i32>load<i8>(x + i) - params.inZeroPoint;
      sum += d;
      squares += d * d;
    }
    const r = inverseOf(n, sum, squares, params.epsilon);
    for (let i = 0; i < n; i++) {
      const e = n * (<i32>load<i8>(x + i) - params.inZeroPoint) - sum;
      const at = <usize>i << 2;
      const u = <f32>e * r * load<f32>(<usize>params.multiplier + at) +
        load<f32>(<usize>params.addend + at);
      store<i8>(y + i, roundToRange(u, params.outZeroPoint, params.qmin, params.qmax));
    }
    x += n;
    y += n;
  }
}

/** r of a row from Σ d and Σ d² */
// @ts-ignore: decorator
@inline
function inverseOf(n: i32, sum: i32, squares: i32, epsilon: f32): f32 {
  const spread = <i64>n * <i64>squares - <i64>sum * <i64>sum;
  return <f32>(1.0 / sqrt<f64>(<f64>spread + <f64>epsilon));
}

export function qs8_layernorm__simd128(
  rows: i32, n: i32, x: usize, y: usize, params: NormParams,
): void {
  const zeroPoint = params.outZeroPoint;
  const zero = i16x8.splat(<i16>params.inZeroPoint);
  const ones = i16x8.splat(1);
  const length = i32x4.splat(n);
  const lo = f32x4.splat(<f32>(params.qmin - zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - zeroPoint));
  const magic = f32x4.splat(opaque(MAGIC, zeroPoint));
  const magicBits = i32x4.splat(MAGIC_BITS - zeroPoint);
  for (let row = 0; row < rows; row++) {
    let sums = i32x4.splat(0), products = i32x4.splat(0);
    let i = 0;
    for (; i <= n - 8; i += 8) {
      const wide = i16x8.sub(v128.load_ext<i8>(x + i), zero);
      sums = i32x4.add(sums, i32x4.dot_i16x8_s(wide, ones));
      products = i32x4.add(products, i32x4.dot_i16x8_s(wide, wide));
    }
    let sum = sumOf(sums), squares = sumOf(products);
    for (; i < n; i++) {
      const d = <i32>load<i8>(x + i) - params.inZeroPoint;
      sum += d;
      squares += d * d;
    }
    const r = f32x4.splat(inverseOf(n, sum, squares, params.epsilon));
    const total = i32x4.splat(sum);
    let m: usize = params.multiplier, b: usize = params.addend;
    i = 0;
    do {
      const wide = i16x8.sub(v128.load_ext<i8>(x + i), zero);
      const low = i32x4.sub(i32x4.mul(i32x4.extend_low_i16x8_s(wide), length), total);
      const high = i32x4.sub(i32x4.mul(i32x4.extend_high_i16x8_s(wide), length), total);
      const u0 = affine(low, r, v128.load(m), v128.load(b));
      const u1 = affine(high, r, v128.load(m, 16), v128.load(b, 16));
      const q = i16x8.narrow_i32x4_s(
        roundLanes(u0, lo, hi, magic, magicBits), roundLanes(u1, lo, hi, magic, magicBits),
      );
      const bytes = i8x16.narrow_i16x8_s(q, q);
      if (n - i >= 8) v128.store64_lane(y + i, bytes, 0);
      else storeBytes(y + i, bytes, n - i);
      m += 32;
      b += 32;
      i += 8;
    } while (i < n);
    x += n;
    y += n;
  }
}

// @ts-ignore: decorator
@inline
function affine(e: v128, r: v128, multiplier: v128, addend: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(e), r), multiplier), addend);
}

// @ts-ignore: decorator
@inline
function sumOf(lanes: v128): i32 {
  return i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3);
}
