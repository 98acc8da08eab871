import { QuantizeParams } from '../abi';
import { passing } from '../lib/passing';
import { addHigh, addLow, addSums, sumLanes } from '../lib/reduce';
import { MAGIC, opaque } from '../lib/requantize';

/** Elements whose terms are summed in f32, 16 a lane, before they go to f64. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * Backward of x̂ = (q − z)·s, q = clamp(rte(u / s) + z, qmin, qmax), u = clamp(x, lo, hi), by the straight-through estimator
 * with learned ranges (Esser 2020, Bhalgat 2020). With v = f32(u · inverseScale), r = rte(v), L = qmin − z,
 * H = qmax − z:
 *
 *     inside  L ≤ r ≤ H    dx = dy where lo < x < hi    dscale += dy·(r − v)
 *     below   r < L        dx = 0                       dscale += dy·L          below += dy
 *     above   r > H        dx = 0                       dscale += dy·H          above += dy
 *
 * The clamp is a relu before the quantizer; its ends are infinite where there is none.
 *
 * x, dy [n] f32    read
 * dx    [n] f32    written; may be dy
 * sums  [3] f64    [dscale, below, above], added to: what the gradients of any parametrization of the range are made of
 *
 * Each term is rounded to f32 once. The twin sums in f64; SIMD sums blocks of 16 in each lane in f32 and the blocks
 * in f64, so |error| ≤ 17·2⁻²⁴·Σ|term|.
 */
export function f32_fakequant_backward__scalar(
  n: i32, x: usize, dy: usize, dx: usize, sums: usize, clampLow: f32, clampHigh: f32,
  params: QuantizeParams,
): void {
  const inverse = params.inverseScale;
  const lo = <f32>(params.qmin - params.zeroPoint);
  const hi = <f32>(params.qmax - params.zeroPoint);
  let scales = 0.0, below = 0.0, above = 0.0;
  for (const end = x + (<usize>n << 2); x < end; x += 4, dy += 4, dx += 4) {
    const g = load<f32>(dy);
    const y = load<f32>(x);
    const v = (y < clampLow ? clampLow : clampHigh < y ? clampHigh : y) * inverse;
    const r = nearest<f32>(v);
    const inside = r >= lo && r <= hi;
    const slope: f32 = inside ? r - v : r > hi ? hi : lo;
    scales += <f64>(g * slope);
    if (r < lo) below += <f64>g;
    if (r > hi) above += <f64>g;
    store<f32>(dx, inside && y > clampLow && y < clampHigh ? g : 0);
  }
  addSums(sums, scales, below, above);
}

export function f32_fakequant_backward__simd128(
  n: i32, x: usize, dy: usize, dx: usize, sums: usize, clampLow: f32, clampHigh: f32,
  params: QuantizeParams,
): void {
  const inverse = f32x4.splat(params.inverseScale);
  const from = f32x4.splat(clampLow);
  const to = f32x4.splat(clampHigh);
  const magic = f32x4.splat(opaque(MAGIC, params.qmax));
  const lo = f32x4.splat(<f32>(params.qmin - params.zeroPoint));
  const hi = f32x4.splat(<f32>(params.qmax - params.zeroPoint));
  const none = f64x2.splat(0);
  let scalesLow = none, scalesHigh = none;
  let outsideLow = none, outsideHigh = none;
  let aboveLow = none, aboveHigh = none;
  let rest = n & ~3;
  while (rest > 0) {
    const count = min(BLOCK, rest);
    rest -= count;
    let scales = f32x4.splat(0);
    let outside = scales;
    let above = scales;
    for (const end = x + (<usize>count << 2); x < end; x += 16, dy += 16, dx += 16) {
      const g = v128.load(dy);
      const y = v128.load(x);
      const v = f32x4.mul(f32x4.pmin(f32x4.pmax(y, from), to), inverse);
      // No clamp before the rounding: beyond 2²² r is not exact, but it is as far outside as v.
      const r = f32x4.sub(f32x4.add(v, magic), magic);
      const q = f32x4.pmin(hi, f32x4.pmax(lo, r));
      const inside = f32x4.eq(q, r);
      const slope = f32x4.sub(q, v128.and(v, inside));
      scales = f32x4.add(scales, f32x4.mul(g, slope));
      outside = f32x4.add(outside, v128.andnot(g, inside));
      above = f32x4.add(above, v128.and(g, f32x4.gt(r, hi)));
      v128.store(dx, passing(v128.and(g, inside), y, from, to));
    }
    scalesLow = addLow(scalesLow, scales);
    scalesHigh = addHigh(scalesHigh, scales);
    outsideLow = addLow(outsideLow, outside);
    outsideHigh = addHigh(outsideHigh, outside);
    aboveLow = addLow(aboveLow, above);
    aboveHigh = addHigh(aboveHigh, above);
  }
  const beyond = sumLanes(aboveLow, aboveHigh);
  const below = sumLanes(outsideLow, outsideHigh) - beyond;
  addSums(sums, sumLanes(scalesLow, scalesHigh), below, beyond);
  f32_fakequant_backward__scalar(n & 3, x, dy, dx, sums, clampLow, clampHigh, params);
}
