import { QuantizeParams } from '../abi';
import { passing } from '../lib/passing';
import { addHigh, addLow, addSums, addTo, sumLanes } from '../lib/reduce';
import { MAGIC, opaque } from '../lib/requantize';

/** Rows that are summed in f32 before they go to f64. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 64;

/**
 * The sums of the backward pass of batch normalization (Ioffe 2015), and of the relu and the quantizer after it:
 *
 *     y = f32(f32(a[c]·x) + b[c])      its clamp u = clamp(y, lo, hi) may go through x̂ = (q − z)·s with the range of `params`
 *     g = dy where it passes both: lo < y < hi, and what u is rounded to lies in [qmin, qmax]; else 0
 *
 *     sums[0][c] += Σ_r g      sums[1][c] += Σ_r g · f32(x − mean[c])
 *     sums[2C …] += Σ dy·∂x̂/∂s, Σ dy below, Σ dy above      as in f32_fakequant_backward, with u for its x
 *
 * Without a clamp the ends are infinite; without a quantizer params is 0 and the last three sums stay as they are.
 *
 * x, dy      [rows, channels] f32    read
 * a, b, mean [channels] f32          read
 * sums       [2·channels + 3] f64    added to; blocks of 64 rows are summed in f32
 */
export function f32_batchnorm_sums__scalar(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, mean: usize, sums: usize,
  lo: f32, hi: f32, params: QuantizeParams,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    columns(count, channels, 0, channels, x, dy, a, b, mean, sums, lo, hi, params);
    x += <usize>count * row;
    dy += <usize>count * row;
  }
}

/** Channels first … end − 1 of one block of rows. */
// @ts-ignore: decorator
@inline
function columns(
  rows: i32, channels: i32, first: i32, end: i32, x: usize, dy: usize, a: usize, b: usize,
  mean: usize, sums: usize, lo: f32, hi: f32, params: QuantizeParams,
): void {
  const row = <usize>channels << 2;
  const ranges = sums + (<usize>channels << 4);
  for (let c = first; c < end; c++) {
    const at = <usize>c << 2;
    const middle = load<f32>(mean + at);
    const gain = load<f32>(a + at);
    const shift = load<f32>(b + at);
    let sum: f32 = 0, product: f32 = 0, scales: f32 = 0, below: f32 = 0, above: f32 = 0;
    for (let i = at, stop = at + <usize>rows * row; i < stop; i += row) {
      const v = load<f32>(x + i);
      const y = v * gain + shift;
      let g = load<f32>(dy + i);
      let passes = y > lo && y < hi;
      if (changetype<usize>(params)) {
        const low = <f32>(params.qmin - params.zeroPoint);
        const high = <f32>(params.qmax - params.zeroPoint);
        const u = (y < lo ? lo : hi < y ? hi : y) * params.inverseScale;
        const rounded = nearest<f32>(u);
        const inside = rounded >= low && rounded <= high;
        scales += g * (inside ? rounded - u : rounded > high ? high : low);
        if (rounded < low) below += g;
        if (rounded > high) above += g;
        passes = passes && inside;
      } else if (lo == -Infinity && hi == Infinity) {
        passes = true;
      }
      if (!passes) g = 0;
      sum += g;
      product += g * (v - middle);
    }
    const total = sums + (at << 1);
    const totalX = total + (<usize>channels << 3);
    store<f64>(total, load<f64>(total) + <f64>sum);
    store<f64>(totalX, load<f64>(totalX) + <f64>product);
    if (changetype<usize>(params)) addSums(ranges, <f64>scales, <f64>below, <f64>above);
  }
}

export function f32_batchnorm_sums__simd128(
  rows: i32, channels: i32, x: usize, dy: usize, a: usize, b: usize, mean: usize, sums: usize,
  lo: f32, hi: f32, params: QuantizeParams,
): void {
  const row = <usize>channels << 2;
  const body = channels & ~3;
  const products = sums + (<usize>channels << 3);
  const plain = lo == -Infinity && hi == Infinity;
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    let c = 0;
    if (!changetype<usize>(params)) {
      for (; c + 8 <= body; c += 8) {
        const at = <usize>c << 2;
        const to = sums + (at << 1), toProduct = products + (at << 1);
        if (plain) octet(count, row, x + at, dy + at, mean + at, to, toProduct);
        else {
          clampedOctet(
            count, row, x + at, dy + at, a + at, b + at, mean + at, to, toProduct, lo, hi,
          );
        }
      }
    } else {
      for (; c < body; c += 4) {
        const at = <usize>c << 2;
        quantizedQuad(
          count, row, x + at, dy + at, a + at, b + at, mean + at,
          sums + (at << 1), products + (at << 1), products + (<usize>channels << 3),
          lo, hi, params,
        );
      }
    }
    columns(count, channels, c, channels, x, dy, a, b, mean, sums, lo, hi, params);
    x += <usize>count * row;
    dy += <usize>count * row;
  }
}

/** Eight channels of one block, all of dy. */
// @ts-ignore: decorator
@inline
function octet(
  rows: i32, row: usize, x: usize, dy: usize, mean: usize, sums: usize, products: usize,
): void {
  const middle0 = v128.load(mean);
  const middle1 = v128.load(mean, 16);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let product0 = sum0;
  let product1 = sum0;
  for (const stop = x + <usize>rows * row; x < stop; x += row, dy += row) {
    const g0 = v128.load(dy);
    const g1 = v128.load(dy, 16);
    sum0 = f32x4.add(sum0, g0);
    sum1 = f32x4.add(sum1, g1);
    product0 = f32x4.add(product0, f32x4.mul(g0, f32x4.sub(v128.load(x), middle0)));
    product1 = f32x4.add(product1, f32x4.mul(g1, f32x4.sub(v128.load(x, 16), middle1)));
  }
  addTo(sums, sum0, sum1);
  addTo(products, product0, product1);
}

/** Eight channels of one block, what passes the clamp. */
// @ts-ignore: decorator
@inline
function clampedOctet(
  rows: i32, row: usize, x: usize, dy: usize, a: usize, b: usize, mean: usize,
  sums: usize, products: usize, lo: f32, hi: f32,
): void {
  const gain0 = v128.load(a), gain1 = v128.load(a, 16);
  const shift0 = v128.load(b), shift1 = v128.load(b, 16);
  const middle0 = v128.load(mean), middle1 = v128.load(mean, 16);
  const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let product0 = sum0;
  let product1 = sum0;
  for (const stop = x + <usize>rows * row; x < stop; x += row, dy += row) {
    const v0 = v128.load(x);
    const g0 = passing(v128.load(dy), f32x4.add(f32x4.mul(v0, gain0), shift0), vlo, vhi);
    sum0 = f32x4.add(sum0, g0);
    product0 = f32x4.add(product0, f32x4.mul(g0, f32x4.sub(v0, middle0)));
    const v1 = v128.load(x, 16);
    const g1 = passing(v128.load(dy, 16), f32x4.add(f32x4.mul(v1, gain1), shift1), vlo, vhi);
    sum1 = f32x4.add(sum1, g1);
    product1 = f32x4.add(product1, f32x4.mul(g1, f32x4.sub(v1, middle1)));
  }
  addTo(sums, sum0, sum1);
  addTo(products, product0, product1);
}

/** Four channels of one block, what passes the clamp and the quantizer. */
// @ts-ignore: decorator
@inline
function quantizedQuad(
  rows: i32, row: usize, x: usize, dy: usize, a: usize, b: usize, mean: usize,
  sums: usize, products: usize, ranges: usize, lo: f32, hi: f32, params: QuantizeParams,
): void {
  const gain = v128.load(a), shift = v128.load(b), middle = v128.load(mean);
  const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
  const inverse = f32x4.splat(params.inverseScale);
  const magic = f32x4.splat(opaque(MAGIC, params.qmax));
  const low = f32x4.splat(<f32>(params.qmin - params.zeroPoint));
  const high = f32x4.splat(<f32>(params.qmax - params.zeroPoint));
  let sum = f32x4.splat(0);
  let product = sum;
  let scales = sum;
  let outside = sum;
  let above = sum;
  for (const stop = x + <usize>rows * row; x < stop; x += row, dy += row) {
    const v = v128.load(x);
    const y = f32x4.add(f32x4.mul(v, gain), shift);
    const u = f32x4.mul(f32x4.pmin(f32x4.pmax(y, vlo), vhi), inverse);
    const rounded = f32x4.sub(f32x4.add(u, magic), magic);
    const q = f32x4.pmin(high, f32x4.pmax(low, rounded));
    const inside = f32x4.eq(q, rounded);
    const all = v128.load(dy);
    scales = f32x4.add(scales, f32x4.mul(all, f32x4.sub(q, v128.and(u, inside))));
    outside = f32x4.add(outside, v128.andnot(all, inside));
    above = f32x4.add(above, v128.and(all, f32x4.gt(rounded, high)));
    const g = passing(v128.and(all, inside), y, vlo, vhi);
    sum = f32x4.add(sum, g);
    product = f32x4.add(product, f32x4.mul(g, f32x4.sub(v, middle)));
  }
  addFour(sums, sum);
  addFour(products, product);
  const beyond = total(above);
  addSums(ranges, total(scales), total(outside) - beyond, beyond);
}

/** The four lanes in f64. */
// @ts-ignore: decorator
@inline
function total(part: v128): f64 {
  const none = f64x2.splat(0);
  return sumLanes(addLow(none, part), addHigh(none, part));
}

/** totals[0..3] f64 += part */
// @ts-ignore: decorator
@inline
function addFour(totals: usize, part: v128): void {
  v128.store(totals, addLow(v128.load(totals), part));
  v128.store(totals, addHigh(v128.load(totals, 16), part), 16);
}
