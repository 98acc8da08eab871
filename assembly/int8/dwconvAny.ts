import { ConvParams } from '../abi';
import { emitSums, EPILOGUE_BYTES, STRIP, SUMS_AT, zipHigh, zipLow } from './dwconvSums';

/** Bytes of the interleaved columns, unless those of one output are more. */
// @ts-ignore: decorator
@inline const COLUMN_BYTES: i32 = 16384;

/**
 * One output row of any window, in strips, eight channels at a time. The input columns of a strip are interleaved once:
 *
 *     columns [column][ceil(Kh/2)] | (r0, r1) of channels 0–3 | of channels 4–7 |   i16 pairs, 32 bytes
 *
 * below an odd last row it stands again, against weights that are 0; outside the image stands inZeroPoint. With
 * dilation 1 the taps of an output are then one run, in the order of its weights. Where a window is too wide for
 * strips, there is one output at a time and only its own columns.
 *
 * zeros, epilogues, columns   places in the scratch, see dwconv2d.ts
 */
export function rowOfAny(
  params: ConvParams, x: usize, w: usize, y: usize, oy: i32, scratch: usize, zeros: usize,
  epilogues: usize, columns: usize, real: bool,
): void {
  const shift = real ? 2 : 0;
  const yStride: usize = params.outStride << shift;
  const pairs = (params.kernelHeight + 1) >> 1;
  const stride = params.strideWidth, dilation = params.dilationWidth;
  const reach = (params.kernelWidth - 1) * dilation + 1;
  // The last group of three outputs reads the columns of two more.
  const room = (COLUMN_BYTES / (pairs << 5) - reach) / stride - 1;
  const alone = room < 1;
  const strip = alone ? 1 : min(STRIP, room);
  const columnStep = alone ? dilation : 1;
  const outputBytes: usize = alone ? 0 : (stride * pairs) << 5;
  const gap = alone ? 0 : ((dilation - 1) * pairs) << 5;
  const run = (gap ? pairs : params.kernelWidth * pairs) << 5;
  const runs = gap ? params.kernelWidth : 1;
  const wBytes: usize = (params.kernelWidth * pairs) << 5;
  for (let ox = 0; ox < params.outWidth; ox += strip) {
    const n = min(strip, params.outWidth - ox);
    const count = alone ? params.kernelWidth : (n - 1) * stride + reach;
    const ix = ox * stride - params.padLeft;
    const before = stepsTo(-ix, columnStep, count);
    const inside = stepsTo(params.inWidth - ix, columnStep, count) - before;
    const start = x + (ix + before * columnStep) * params.inStride;
    let epilogue = epilogues, panel = w, to = y + <usize>ox * yStride;
    for (let c = 0; c < params.outChannels; c += 8) {
      for (let pair = 0; pair < pairs; pair++) {
        const i = pair << 1;
        const iy = oy * params.strideHeight - params.padTop + i * params.dilationHeight;
        const next = i + 1 < params.kernelHeight ? iy + params.dilationHeight : iy;
        const known = <u32>iy < <u32>params.inHeight, nextKnown = <u32>next < <u32>params.inHeight;
        const rowBytes = params.inWidth * params.inStride;
        const step: usize = columnStep * params.inStride;
        interleave(
          (known ? start + iy * rowBytes : zeros) + c, known ? step : 0,
          (nextKnown ? start + next * rowBytes : zeros) + c, nextKnown ? step : 0,
          columns + (pair << 5), pairs << 5, before, inside, count - before - inside,
          params.inZeroPoint,
        );
      }
      sumRuns(columns, outputBytes, panel, epilogue, scratch + SUMS_AT, n, run, runs, gap);
      emitSums(params, scratch, n, epilogue, to, yStride, params.outChannels - c, real);
      to += 8 << shift;
      panel += wBytes;
      epilogue += EPILOGUE_BYTES;
    }
  }
}

/** Steps of `step` from 0 until `distance` is reached, at least 0, at most `most`. */
// @ts-ignore: decorator
@inline
function stepsTo(distance: i32, step: i32, most: i32): i32 {
  return distance <= 0 ? 0 : min(most, (distance - 1) / step + 1);
}

/** Two rows of eight channels to pairs `pitch` bytes apart; zero points before and after. Reads 8 bytes a column. */
function interleave(
  p0: usize, step0: usize, p1: usize, step1: usize, to: usize, pitch: usize, before: i32,
  inside: i32, after: i32, zeroPoint: i32,
): void {
  to = fill(to, pitch, before, zeroPoint);
  for (; inside > 0; inside--) {
    const r0 = v128.load_ext<i8>(p0), r1 = v128.load_ext<i8>(p1);
    v128.store(to, zipLow(r0, r1));
    v128.store(to, zipHigh(r0, r1), 16);
    p0 += step0;
    p1 += step1;
    to += pitch;
  }
  fill(to, pitch, after, zeroPoint);
}

// @ts-ignore: decorator
@inline
function fill(to: usize, pitch: usize, count: i32, zeroPoint: i32): usize {
  const zero = i16x8.splat(<i16>zeroPoint);
  for (; count > 0; count--) {
    v128.store(to, zero);
    v128.store(to, zero, 16);
    to += pitch;
  }
  return to;
}

/**
 * The sums of n outputs of eight channels, i32 [n][8], three at a time: six accumulators and the loads of one turn are
 * what fifteen registers hold. Writes up to two outputs too many.
 */
function sumRuns(
  columns: usize, outputBytes: usize, w: usize, epilogue: usize, sums: usize, n: i32, run: usize,
  runs: i32, gap: usize,
): void {
  for (const end = sums + (n << 5); sums < end; sums += 96) {
    let low0 = v128.load(epilogue), high0 = v128.load(epilogue, 16);
    let low1 = low0, high1 = high0, low2 = low0, high2 = high0;
    let p0 = columns, p1 = columns + outputBytes, p2 = p1 + outputBytes, at = w;
    for (let i = 0; i < runs; i++) {
      const runEnd = at + run;
      do {
        const w0 = v128.load(at), w1 = v128.load(at, 16);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(v128.load(p0), w0));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(v128.load(p0, 16), w1));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(v128.load(p1), w0));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(v128.load(p1, 16), w1));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(v128.load(p2), w0));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(v128.load(p2, 16), w1));
        at += 32;
        p0 += 32;
        p1 += 32;
        p2 += 32;
      } while (at < runEnd);
      p0 += gap;
      p1 += gap;
      p2 += gap;
    }
    v128.store(sums, low0);
    v128.store(sums, high0, 16);
    v128.store(sums, low1, 32);
    v128.store(sums, high1, 48);
    v128.store(sums, low2, 64);
    v128.store(sums, high2, 80);
    columns += 3 * outputBytes;
  }
}
