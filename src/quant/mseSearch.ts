/** Ranges that minimise Σ (x̂ − x)², the start of every learned range (quantization.md §5). */

import { StepContext } from '../autograd/context.ts';
import type { Range } from '../autograd/quantizer.ts';
import type { Ref } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { rangeFromBounds } from './bounds.ts';
import { MIN_SCALE } from './kernels.ts';
import { absoluteMaxima, type ChannelLayout, scaleLayout } from './weightLayout.ts';

/** Shrink factors of a range that are tried. */
const WEIGHT_STEPS = 80;

/**
 * Where they end. Fewer integers cut off more: of normal numbers 16 serve best up to 2.5 standard deviations and 4 up to 1.5 (Max
 * 1960, table II), while the largest of many thousands lies at 4, and tails are often longer.
 */
function shrinkLimit({ qmin, qmax }: QuantizerSpec): number {
  return qmax - qmin < 15 ? 0.05 : 0.2;
}

/** Scales of symmetric weights, one for each channel or one for all: the best of WEIGHT_STEPS shrink factors of max |w|, each for itself. */
export function searchWeightScales(
  w: Float32Array,
  shape: Shape,
  spec: QuantizerSpec,
): Float32Array {
  const layout = scaleLayout(shape, spec);
  const maxima = absoluteMaxima(w, layout);
  return maxima.map((max, c) => searchScale(channelOf(w, layout, c), max, spec));
}

/** The weights of one channel, in order. */
function channelOf(w: Float32Array, layout: ChannelLayout, channel: number): Float32Array {
  const { outer, channels, inner } = layout;
  const row = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + channel) * inner;
    row.set(w.subarray(from, from + inner), o * inner);
  }
  return row;
}

/**
 * The first of the best scales. What is cut off grows from each candidate to the next, in f64 too, since every term
 * does: once it alone exceeds the least error, no later candidate can win.
 */
function searchScale(row: Float32Array, max: number, spec: QuantizerSpec): number {
  let best = Infinity;
  let found = Number.NaN;
  const limit = shrinkLimit(spec);
  for (let i = 0; i < WEIGHT_STEPS; i++) {
    const shrink = 1 - ((1 - limit) * i) / WEIGHT_STEPS;
    const scale = Math.fround(Math.max((max / spec.qmax) * shrink, MIN_SCALE));
    const { error, cut } = weightError(row, scale, spec);
    if (error < best) {
      best = error;
      found = scale;
    }
    if (cut > best) break;
  }
  return found;
}

/** Adding it to a number below 2⁵¹ in f64 leaves no room for fractions: the sum rounds, ties to even. */
const ROUNDING = 1.5 * 2 ** 52;

/** Σ (ŵ − w)², and the part of it that the ends of the range cause. */
function weightError(
  row: Float32Array,
  scale: number,
  { qmin, qmax }: QuantizerSpec,
): { error: number; cut: number } {
  const [lo, hi] = [qmin * scale, qmax * scale];
  let error = 0;
  let cut = 0;
  for (let i = 0; i < row.length; i++) {
    const w = row[i]!;
    const beyond = w > hi ? w - hi : w < lo ? lo - w : 0;
    const q = Math.min(qmax, Math.max(qmin, w / scale + ROUNDING - ROUNDING));
    const miss = q * scale - w;
    error += miss * miss;
    cut += beyond * beyond;
  }
  return { error, cut };
}

/** Elements of a tensor that the activation search looks at. */
const SAMPLE = 32768;
const ONE_SIDED_STEPS = 64;
const TWO_SIDED_STEPS = 14;

/** A range to try, with the error it has collected so far. */
export interface Candidate {
  readonly range: Range;
  error: number;
}

/** Grids over [min·a, max·b]: a = b = 1 first, so that ties keep the whole range. */
export function activationCandidates(min: number, max: number, spec: QuantizerSpec): Candidate[] {
  const twoSided = spec.fixedZeroPoint === undefined && min < 0 && max > 0;
  const steps = twoSided ? TWO_SIDED_STEPS : ONE_SIDED_STEPS;
  const limit = shrinkLimit(spec);
  const factors = Array.from({ length: steps }, (_, i) => 1 - ((1 - limit) * i) / steps);

  const pairs = twoSided
    ? factors.flatMap((a) => factors.map((b) => [a, b] as const))
    : factors.map((a) => [a, a] as const);
  return pairs.map(([a, b]) => ({ range: rangeFromBounds(min * a, max * b, spec), error: 0 }));
}

/** Adds the error over a sample of x to each candidate. */
export function addErrors(
  cx: StepContext,
  x: Ref,
  candidates: readonly Candidate[],
  { qmin, qmax }: QuantizerSpec,
): void {
  const size = sizeOf(x.shape);
  const stride = Math.max(1, Math.floor(size / SAMPLE)) | 1;
  const count = Math.floor((size - 1) / stride) + 1;
  for (const candidate of candidates) {
    const { scale, zeroPoint } = candidate.range;
    const inverseScale = Math.fround(1 / scale);
    const step = new StepContext(cx.device, false);
    const params = step.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
    candidate.error += cx.kernels.f32_quantize_error(count, stride, x.ptr, params);
    step.end();
  }
}
