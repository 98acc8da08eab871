/** Ranges from the outermost values (quantization.md eq. (14)). */

import type { Range } from '../autograd/quantizer.ts';
import type { Shape } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { integerZeroPoint } from '../graph/quantizerParams.ts';
import { MIN_SCALE } from './kernels.ts';
import { absoluteMaxima, scaleLayout } from './weightLayout.ts';

/** Scales of symmetric weights that hold the largest: max |w| / qmax. */
export function largestWeightScales(
  w: Float32Array,
  shape: Shape,
  spec: QuantizerSpec,
): Float32Array {
  const maxima = absoluteMaxima(w, scaleLayout(shape, spec));
  return maxima.map((max) => Math.max(max / spec.qmax, MIN_SCALE));
}

/**
 * The grid over [min, max] stretched to hold 0, the zero point nudged to an integer: eq. (14). With a fixed zero point the scale alone is
 * free, and what lies on a side that has no integers does not count.
 */
export function rangeFromBounds(min: number, max: number, spec: QuantizerSpec): Range {
  const { qmin, qmax, fixedZeroPoint } = spec;
  const [lo, hi] = [Math.min(0, min), Math.max(0, max)];
  const free = (hi - lo) / (qmax - qmin);
  const step = fixedZeroPoint === undefined ? free : fixedStep(lo, hi, fixedZeroPoint, spec);
  const scale = Math.fround(Math.max(step, MIN_SCALE));
  return { scale, zeroPoint: integerZeroPoint(spec, qmin - lo / scale) };
}

/** The least scale that reaches both ends from a zero point. */
function fixedStep(
  lo: number,
  hi: number,
  zeroPoint: number,
  { qmin, qmax }: QuantizerSpec,
): number {
  const below = zeroPoint > qmin ? -lo / (zeroPoint - qmin) : 0;
  const above = zeroPoint < qmax ? hi / (qmax - zeroPoint) : 0;
  return Math.max(below, above);
}
