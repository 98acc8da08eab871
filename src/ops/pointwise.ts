/**
 * Batch normalization, clamp and quantizer as one map of each element (`Pointwise`), forward and back: what they compute one
 * after the other, without writing what lies between.
 */

import type { F32Rule, Pointwise, QRef, Ref, TrainContext } from '../core/op.ts';
import { roundTiesToEven } from '../core/rounding.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { CHUNKS, forEachChunk, sampleBytes } from './chunks.ts';

/** Where a quantizer rounds to. */
export type Grid = Omit<QRef, 'q'>;

/** Gradients of what a `Pointwise` and its quantizer are made from; those of gamma and beta where it normalizes. */
export interface PointwiseGradients {
  readonly dx: Ref;
  readonly dgamma?: Ref;
  readonly dbeta?: Ref;
  readonly range: RangeSums;
}

/** Sums over x̂ = (q − z)·s that the gradient of any parametrization of its range is made of (quantization.md eq. (16), (17)). */
export interface RangeSums {
  /** Σ dx̂·∂x̂/∂s, z held. */
  readonly scale: number;
  /** Σ dx̂ where x lies below the range, and above. */
  readonly below: number;
  readonly above: number;
}

/** A map that does nothing. */
export function identity(x: Ref): Pointwise {
  return { x, lo: -Infinity, hi: Infinity };
}

/** The rule of an op that `defer` describes. */
export function pointwiseRule<A>(defer: NonNullable<F32Rule<A>['defer']>): F32Rule<A> {
  return {
    defer,
    forward(cx, [x, ...rest], attrs) {
      const pending = defer(cx, { ref: x! }, rest, attrs);
      return { output: computePointwise(cx, pending), extra: pending };
    },
    backward(cx, dy, { extra }) {
      const { dx, dgamma, dbeta } = pointwiseGradients(cx, extra as Pointwise, dy);
      return [dx, dgamma, dbeta];
    },
  };
}

/** y f32, of the shape of x. */
export function computePointwise(cx: TrainContext, { x, norm, lo, hi }: Pointwise): Ref {
  const y = cx.alloc(x.shape);
  if (norm) {
    const [rows, channels] = tableOf(x.shape);
    cx.kernels.f32_vaffine(rows, channels, x.ptr, norm.a.ptr, norm.b.ptr, y.ptr, lo, hi);
  } else {
    cx.kernels.f32_vclamp(sizeOf(x.shape), x.ptr, y.ptr, lo, hi);
  }
  return y;
}

/** q = clamp(rte(f32(y · f32(1/s))) + z, qmin, qmax) of y as it would be computed: i8      quantization.md eq. (3) */
export function quantizePointwise(cx: TrainContext, pointwise: Pointwise, grid: Grid): Ref {
  const { x, norm } = pointwise;
  const q = cx.alloc(x.shape, 'i8');
  const params = quantizeParams(cx, narrowed(grid, pointwise));
  if (norm) {
    const [rows, channels] = tableOf(x.shape);
    cx.kernels.f32_qs8_vaffine(rows, channels, x.ptr, norm.a.ptr, norm.b.ptr, q.ptr, params);
  } else {
    cx.kernels.f32_qs8_vquantize(sizeOf(x.shape), x.ptr, q.ptr, params);
  }
  return q;
}

/** x̂ = (q − z)·s f32      quantization.md eq. (2) */
export function dequantize(cx: TrainContext, { q, ...grid }: QRef): Ref {
  const x = cx.alloc(q.shape);
  cx.kernels.qs8_f32_vdequantize(sizeOf(q.shape), q.ptr, x.ptr, quantizeParams(cx, grid));
  return x;
}

/** Rounding keeps order, so that clamping the integers is rounding what was clamped. */
function narrowed(grid: Grid, { lo, hi }: Pointwise): Grid {
  const { scale, zeroPoint, qmin, qmax } = grid;
  const round = (y: number) => {
    const rounded = roundTiesToEven(Math.fround(y * Math.fround(1 / scale))) + zeroPoint;
    return Math.min(qmax, Math.max(qmin, rounded));
  };
  return { ...grid, qmin: round(lo), qmax: round(hi) };
}

function quantizeParams(cx: TrainContext, grid: Grid): number {
  const inverseScale = Math.fround(1 / grid.scale);
  const { scale, zeroPoint, qmin, qmax } = grid;
  return cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
}

export interface GradientOptions {
  /** Of the quantizer that y goes through: dy is the gradient of ŷ then. */
  readonly grid?: Grid;
  /** dx may take the place of dy. */
  readonly own?: boolean;
  /** Changes in place the gradient of y, which it is given too, before it goes on to what made y. */
  readonly adjust?: (dx: Ref, y: Ref) => void;
}

/**
 * The gradients of a pointwise map and, with a `grid`, of the quantizer behind it (straight through: quantization.md eq. (16),
 * (17)), from dy of the shape of x, in one pass where nothing is adjusted. dx is dy's memory if that is the caller's `own`.
 */
export function pointwiseGradients(
  cx: TrainContext,
  pointwise: Pointwise,
  dy: Ref,
  { grid, own = false, adjust }: GradientOptions = {},
): PointwiseGradients {
  if (adjust) return adjustedGradients(cx, pointwise, dy, grid!, adjust);
  const { x, lo, hi, norm } = pointwise;
  const dx = own ? dy : cx.alloc(x.shape);
  if (norm) return normGradients(cx, pointwise, dy, dx, grid);
  if (grid) return quantizerGradients(cx, pointwise, dy, dx, grid);
  cx.kernels.f32_vclamp_backward(sizeOf(x.shape), x.ptr, dy.ptr, dx.ptr, lo, hi);
  return { dx, range: NO_SUMS };
}

const NO_SUMS: RangeSums = { scale: 0, below: 0, above: 0 };

function rangeSums(sums: Float64Array, at: number): RangeSums {
  return { scale: sums[at]!, below: sums[at + 1]!, above: sums[at + 2]! };
}

/** One after the other: y is computed again, then the gradients of clamp and quantizer, then those of the normalization. */
function adjustedGradients(
  cx: TrainContext,
  pointwise: Pointwise,
  dy: Ref,
  grid: Grid,
  adjust: (dx: Ref, y: Ref) => void,
): PointwiseGradients {
  const { norm, lo, hi } = pointwise;
  const y = norm ? computePointwise(cx, pointwise) : pointwise.x;
  const { dx, range } = quantizerGradients(cx, { x: y, lo, hi }, dy, cx.alloc(y.shape), grid);
  adjust(dx, y);
  if (!norm) return { dx, range };
  const open = { ...pointwise, lo: -Infinity, hi: Infinity };
  return { ...pointwiseGradients(cx, open, dx, { own: true }), range };
}

/** dx of clamp and quantizer, 0 outside of both their ranges, and the sums for the quantizer's own: quantization.md eq. (16), (17) */
function quantizerGradients(
  cx: TrainContext,
  { x, lo, hi }: Pointwise,
  dy: Ref,
  dx: Ref,
  grid: Grid,
): PointwiseGradients {
  const params = quantizeParams(cx, grid);
  const sample = sizeOf(x.shape.slice(1));
  const sums = chunkedSums(cx, x, 3, (first, count, into) => {
    const at = first * sampleBytes(x);
    const [from, g, to] = [x.ptr + at, dy.ptr + at, dx.ptr + at];
    cx.kernels.f32_fakequant_backward(count * sample, from, g, to, into, lo, hi, params);
  });
  return { dx, range: rangeSums(sums, 0) };
}

/**
 * With batch statistics, R rows, x̂ = (x − mean)·inverse, and g what of dy passes clamp and quantizer:
 *     dgamma = Σ g·x̂     dbeta = Σ g     dx = gamma·inverse·(g − dbeta/R − x̂·dgamma/R)
 * With running statistics the last two terms vanish.
 */
function normGradients(
  cx: TrainContext,
  pointwise: Pointwise,
  dy: Ref,
  dx: Ref,
  grid: Grid | undefined,
): PointwiseGradients {
  const { x, norm, lo, hi } = pointwise;
  const { gamma, mean, inverse, batchStatistics, a, b } = norm!;
  const [rows, channels] = tableOf(x.shape);
  const sums = normSums(cx, pointwise, dy, grid);
  const sumDy = sums.subarray(0, channels);
  const dgamma = sums.subarray(channels, 2 * channels).map((sum, c) => sum * inverse[c]!);
  const share = batchStatistics ? 1 / rows : 0;
  const p = gamma.map((gain, c) => gain * inverse[c]!);
  const q = p.map((gain, c) => -gain * inverse[c]! * dgamma[c]! * share);
  const r = p.map((gain, c) => -gain * sumDy[c]! * share - q[c]! * mean[c]!);
  const [pp, pq, pr] = [p, q, r].map((values) => vector(cx, values).ptr) as [
    number,
    number,
    number,
  ];
  const [low, high] = grid ? passInterval(grid) : [-Infinity, Infinity];
  cx.kernels.f32_batchnorm_backward(
    ...([rows, channels, x.ptr, dy.ptr, a.ptr, b.ptr, pp, pq, pr, dx.ptr] as const),
    ...([Math.max(lo, low), Math.min(hi, high)] as const),
  );
  const range = rangeSums(sums, 2 * channels);
  return { dx, dgamma: vector(cx, dgamma), dbeta: vector(cx, sumDy), range };
}

/** f64 [2C + 3]: Σ g and Σ g·(x − mean) by channel, and the sums of the quantizer. */
function normSums(
  cx: TrainContext,
  { x, norm, lo, hi }: Pointwise,
  dy: Ref,
  grid: Grid | undefined,
): Float64Array {
  const [rows, channels] = tableOf(x.shape);
  const [a, b, mean] = [norm!.a.ptr, norm!.b.ptr, vector(cx, norm!.mean).ptr];
  const params = grid ? quantizeParams(cx, grid) : 0;
  const each = rows / x.shape[0]!;
  return chunkedSums(cx, x, 2 * channels + 3, (first, count, into) => {
    const at = first * sampleBytes(x);
    const [from, g] = [x.ptr + at, dy.ptr + at];
    cx.kernels.f32_batchnorm_sums(
      ...([count * each, channels, from, g, a, b, mean, into, lo, hi, params] as const),
    );
  });
}

/** Sums over the batch in fixed chunks: `work` adds samples first … first + count − 1 to f64 [length] at `into`. */
export function chunkedSums(
  cx: TrainContext,
  x: Ref,
  length: number,
  work: (first: number, count: number, into: number) => void,
): Float64Array {
  const parts = cx.zeros([CHUNKS, length], 'f64');
  cx.together(() =>
    forEachChunk(x.shape[0]!, (first, count, chunk) =>
      work(first, count, parts.ptr + chunk * 8 * length),
    ),
  );
  const total = new Float64Array(length);
  const view = cx.f64(parts);
  for (let from = 0; from < view.length; from += length) {
    for (let i = 0; i < length; i++) total[i]! += view[from + i]!;
  }
  return total;
}

/** Rows and channels of [N,…,C]. */
export function tableOf(shape: Shape): [rows: number, channels: number] {
  const channels = shape[shape.length - 1]!;
  return [sizeOf(shape) / channels, channels];
}

/** f32 [C] of f64 values, each rounded once. */
export function vector(cx: TrainContext, values: Float64Array): Ref {
  const ref = cx.alloc([values.length]);
  cx.f32(ref).set(values);
  return ref;
}

/**
 * The open interval of f32 that a grid rounds to integers of its own: y with qmin ≤ rte(f32(y · f32(1/s))) + z ≤ qmax. Both
 * roundings keep order, so that each end is found by halving.
 */
export function passInterval({ scale, zeroPoint, qmin, qmax }: Grid): [low: number, high: number] {
  const inverse = Math.fround(1 / scale);
  const rounded = (y: number) => roundTiesToEven(Math.fround(y * inverse)) + zeroPoint;
  const high = firstWhere((y) => rounded(y) > qmax);
  const low = -firstWhere((y) => rounded(-y) < qmin);
  return [low, high];
}

/** The least f32 that satisfies a condition which holds from some value on, infinity included. */
function firstWhere(holds: (y: number) => boolean): number {
  // f32 in order, as integers: those below 0 count down.
  const word = new DataView(new ArrayBuffer(4));
  const float = (rank: number) => {
    word.setInt32(0, rank < 0 ? -0x80000000 - rank : rank);
    return word.getFloat32(0);
  };
  const INFINITY = 0x7f800000;
  let [below, above] = [-INFINITY - 1, INFINITY];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (holds(float(middle))) above = middle;
    else below = middle;
  }
  return float(above);
}
