/** Ways to choose the range of an activation from data (quantization.md §5). */

import type { StepContext } from '../autograd/context.ts';
import type { Range } from '../autograd/quantizer.ts';
import type { Ref } from '../core/op.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { rangeFromBounds } from './bounds.ts';
import { Histogram } from './histogram.ts';
import { activationCandidates, addErrors } from './mseSearch.ts';

/** The least and the largest real of a tensor; both hold 0. */
export type Bounds = readonly [min: number, max: number];

/** What the first reading of the data found. */
export interface Observed {
  readonly bounds: Bounds;
  /** The mean of the bounds of each batch, later ones with more weight. */
  readonly averages: Bounds;
}

/** Chooses one range. */
export interface Calibrator {
  /** A tensor of the second reading. Where no method has this, there is none. */
  see?(cx: StepContext, x: Ref): void;
  /** After the last. */
  range(): Range;
}

export interface CalibratorOptions {
  /** Share of the values that `percentile` keeps on either side, in percent. */
  readonly percentile: number;
}

type MakeCalibrator = (
  observed: Observed,
  spec: QuantizerSpec,
  options: CalibratorOptions,
) => Calibrator;

/** All values lie in the range. */
const minMax: MakeCalibrator = ({ bounds }, spec) => ({
  range: () => rangeFromBounds(...bounds, spec),
});

/** As `minMax`, but a single batch with an outlier counts little. */
const movingAverage: MakeCalibrator = ({ averages }, spec) => ({
  range: () => rangeFromBounds(...averages, spec),
});

/** The range with the least Σ (x̂ − x)². */
const mse: MakeCalibrator = ({ bounds }, spec) => {
  const candidates = activationCandidates(...bounds, spec);
  return {
    see: (cx, x) => addErrors(cx, x, candidates, spec),
    range: () => candidates.reduce((best, one) => (one.error < best.error ? one : best)).range,
  };
};

/** What lies beyond a percentile on either side is cut off. */
const percentile: MakeCalibrator = ({ bounds }, spec, options) => {
  const histogram = new Histogram(...bounds);
  return {
    see: (cx, x) => histogram.add(cx.f32(x)),
    range: () => rangeFromBounds(...histogram.percentiles(options.percentile / 100), spec),
  };
};

/** Cuts off where the distribution that is left differs least from that of the data, in nats (Migacz 2017). */
const entropy: MakeCalibrator = ({ bounds }, spec) => {
  const [min, max] = bounds;
  const largest = Math.max(-min, max);
  const histogram = new Histogram(0, largest);
  // Magnitudes share the integers of both signs where there are two.
  const levels = (spec.qmax - spec.qmin + 1) / (min < 0 ? 2 : 1);
  return {
    see: (cx, x) => histogram.add(cx.f32(x).map(Math.abs)),
    range: () => {
      const end = histogram.entropyThreshold(levels);
      return rangeFromBounds(Math.max(min, -end), Math.min(max, end), spec);
    },
  };
};

/** Ways to choose ranges from data, by name. */
export const calibrators = { minMax, movingAverage, mse, percentile, entropy } as const;

export type CalibratorName = keyof typeof calibrators;
