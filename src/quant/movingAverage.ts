import type { QuantizerRefs, QuantizerRule } from '../autograd/quantizer.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { largestWeightScales, rangeFromBounds } from './bounds.ts';
import { quantizeWeights, rangeOf, weightGradients } from './kernels.ts';

/** Share of the old average that a step keeps. */
const DECAY = 0.99;

/**
 * Ranges that follow the data: for activations a moving average of the batch minimum and maximum, for weights max |w|
 * per channel at the last step. The average is divided by its own weight (Kingma 2015, §3), so that it is right from
 * the first step on, whatever it started from. Gradients pass straight through; nothing is learned.
 */
export const movingAverage: QuantizerRule = {
  range(cx, refs, spec, x) {
    if (cx.training) observe(cx, x.ref, refs, spec);
    return rangeOf(cx, refs, spec);
  },

  rangeGradients() {
    return {};
  },

  /** Evaluation keeps the scales of the last step, which are those that `convert` ships. */
  quantizeWeights(cx, w, refs, spec) {
    if (cx.training) {
      cx.f32(refs.scale).set(largestWeightScales(cx.f32(w), w.shape, spec));
    }
    return quantizeWeights(cx, w, refs.scale, spec);
  },

  backwardWeights(cx, dy, w, refs, spec) {
    return { dx: weightGradients(cx, dy, w, refs.scale, spec).dx };
  },
};

/**
 * state [3]: averages of min and max, and the weight that they have collected. Quantizers with one range must not move
 * it between them: theirs covers what all saw before this step, and the first of them sets it.
 */
function observe(cx: TrainContext, x: Ref, refs: QuantizerRefs, spec: QuantizerSpec): void {
  const { state, states } = refs;
  if (states && states[0]!.ptr === state!.ptr) cover(cx, refs, states, spec);
  const bounds = cx.alloc([2]);
  cx.kernels.f32_min_max(sizeOf(x.shape), x.ptr, bounds.ptr);
  const [min, max] = cx.f32(bounds) as unknown as [number, number];
  const seen = cx.f32(state!);
  seen[0] = DECAY * seen[0]! + (1 - DECAY) * min;
  seen[1] = DECAY * seen[1]! + (1 - DECAY) * max;
  seen[2] = DECAY * seen[2]! + (1 - DECAY);
  if (!states) cover(cx, refs, [state!], spec);
}

/** Sets the range to hold the average bounds of all `states`. */
function cover(
  cx: TrainContext,
  refs: QuantizerRefs,
  states: readonly Ref[],
  spec: QuantizerSpec,
): void {
  const views = states.map((state) => cx.f32(state));
  const mins = views.map((seen) => seen[0]! / seen[2]!);
  const maxs = views.map((seen) => seen[1]! / seen[2]!);
  const range = rangeFromBounds(Math.min(...mins), Math.max(...maxs), spec);
  cx.f32(refs.scale)[0] = range.scale;
  if (refs.zeroPoint) cx.f32(refs.zeroPoint)[0] = range.zeroPoint;
}
