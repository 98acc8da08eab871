import { QuantizeParams } from '../abi';
import { sumLanes } from '../lib/reduce';
import { highHalf } from '../lib/lanes';
import { MAGIC, opaque } from '../lib/requantize';

/**
 * Σ_i f32(x̂ − x)², x = x[i · stride], x̂ = f32((q − z)·scale), q = clamp(rte(f32(x·inverseScale)) + z, qmin, qmax)
 *
 * What a search for a scale minimises.
 *
 * x [(n − 1)·stride + 1] f32    read
 *
 * Element i goes to lane i mod 4 of four f64 sums, which end as (s0 + s1) + (s2 + s3).
 */
export function f32_quantize_error__scalar(
  n: i32, stride: i32, x: usize, params: QuantizeParams,
): f64 {
  let s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  const step = <usize>stride << 2;
  for (let i = 0; i < n; i++, x += step) {
    const square = squaredError(load<f32>(x), params);
    const lane = i & 3;
    if (lane == 0) s0 += square;
    else if (lane == 1) s1 += square;
    else if (lane == 2) s2 += square;
    else s3 += square;
  }
  return s0 + s1 + (s2 + s3);
}

// @ts-ignore: decorator
@inline
function squaredError(x: f32, params: QuantizeParams): f64 {
  const lo = <f32>(params.qmin - params.zeroPoint);
  const hi = <f32>(params.qmax - params.zeroPoint);
  let v = x * params.inverseScale;
  v = lo < v ? v : lo;
  v = v < hi ? v : hi;
  const d = <f64>(nearest<f32>(v) * params.scale - x);
  return d * d;
}

export function f32_quantize_error__simd128(
  n: i32, stride: i32, x: usize, params: QuantizeParams,
): f64 {
  if (stride != 1) return f32_quantize_error__scalar(n, stride, x, params);
  const scale = f32x4.splat(params.scale);
  const inverse = f32x4.splat(params.inverseScale);
  const magic = f32x4.splat(opaque(MAGIC, params.qmax));
  const lo = f32x4.splat(<f32>(params.qmin - params.zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - params.zeroPoint));
  let low = f64x2.splat(0);
  let high = low;
  for (const end = x + (<usize>(n & ~3) << 2); x < end; x += 16) {
    const value = v128.load(x);
    const v = f32x4.pmin(hi, f32x4.pmax(lo, f32x4.mul(value, inverse)));
    const r = f32x4.sub(f32x4.add(v, magic), magic);
    const d = f32x4.sub(f32x4.mul(r, scale), value);
    const left = f64x2.promote_low_f32x4(d);
    const right = f64x2.promote_low_f32x4(highHalf(d));
    low = f64x2.add(low, f64x2.mul(left, left));
    high = f64x2.add(high, f64x2.mul(right, right));
  }
  const rest = n & 3;
  if (rest > 0) low = addToLane(low, 0, squaredError(load<f32>(x), params));
  if (rest > 1) low = addToLane(low, 1, squaredError(load<f32>(x, 4), params));
  if (rest > 2) high = addToLane(high, 0, squaredError(load<f32>(x, 8), params));
  return sumLanes(low, high);
}

// @ts-ignore: decorator
@inline
function addToLane(total: v128, lane: u8, term: f64): v128 {
  return lane == 0
    ? f64x2.replace_lane(total, 0, f64x2.extract_lane(total, 0) + term)
    : f64x2.replace_lane(total, 1, f64x2.extract_lane(total, 1) + term);
}
