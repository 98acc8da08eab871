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

/** The asymmetric grid over [min, max] stretched to hold 0, the zero point nudged to an integer: eq. (14). */
export function rangeFromBounds(min: number, max: number, spec: QuantizerSpec): Range {
  const { qmin, qmax, fixedZeroPoint } = spec;
  const lo = fixedZeroPoint === undefined ? Math.min(0, min) : 0;
  const hi = Math.max(0, max);
  const scale = Math.fround(Math.max((hi - lo) / (qmax - qmin), MIN_SCALE));
  return { scale, zeroPoint: integerZeroPoint(spec, qmin - lo / scale) };
}
