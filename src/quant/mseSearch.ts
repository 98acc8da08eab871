/** Ranges that minimise Σ (x̂ − x)², the start of every learned range (quantization.md §5). */

import { StepContext } from '../autograd/context.ts';
import type { Ref } from '../core/op.ts';
import { roundTiesToEven } from '../core/rounding.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { MIN_SCALE, type Range } from './kernels.ts';
import { rangeFromBounds } from './movingAverage.ts';
import { absoluteMaxima, channelLayout, forEachWeight } from './weightLayout.ts';

/** Shrink factors of a range that are tried, from all of it down to a fifth. */
const WEIGHT_STEPS = 80;
const SHRINK_LIMIT = 0.2;

/** Per-channel scales of symmetric weights; the best of WEIGHT_STEPS shrink factors of max |w|, channel by channel. */
export function searchWeightScales(
  w: Float32Array,
  shape: Shape,
  spec: QuantizerSpec,
): Float32Array {
  const layout = channelLayout(shape, spec.axis!);
  const maxima = absoluteMaxima(w, layout);
  const best = new Float64Array(layout.channels).fill(Infinity);
  const scales = new Float32Array(layout.channels);
  for (let i = 0; i < WEIGHT_STEPS; i++) {
    const shrink = 1 - ((1 - SHRINK_LIMIT) * i) / WEIGHT_STEPS;
    const tried = maxima.map((max) => Math.max((max / spec.qmax) * shrink, MIN_SCALE));
    const errors = weightErrors(w, layout, tried, spec);
    errors.forEach((error, c) => {
      if (error >= best[c]!) return;
      best[c] = error;
      scales[c] = tried[c]!;
    });
  }
  return scales;
}

function weightErrors(
  w: Float32Array,
  layout: ReturnType<typeof channelLayout>,
  scales: Float32Array,
  { qmin, qmax }: QuantizerSpec,
): Float64Array {
  const errors = new Float64Array(layout.channels);
  forEachWeight(layout, (c, i) => {
    const q = Math.min(qmax, Math.max(qmin, roundTiesToEven(w[i]! / scales[c]!)));
    const error = q * scales[c]! - w[i]!;
    errors[c]! += error * error;
  });
  return errors;
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
  const factors = Array.from({ length: steps }, (_, i) => 1 - ((1 - SHRINK_LIMIT) * i) / steps);
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
