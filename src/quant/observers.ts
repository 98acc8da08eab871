/** Ranges that follow the data: nothing is learned, gradients pass straight through. */

import type { QuantizerRefs } from '../autograd/quantizer.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';
import { largestWeightScales, rangeFromBounds } from './bounds.ts';
import { quantizeWeights, rangeOf, weightGradients } from './kernels.ts';
import type { Method } from './method.ts';

/**
 * What a quantizer has seen, f32 [3]: least and largest value, and the weight that both have collected, by which they are
 * divided when they are read.
 */
export type Seen = Float32Array;

/** A method whose activations have the range of what was seen, and whose weights hold max |w| of the last step. */
export function observer(see: (seen: Seen, min: number, max: number) => void): Method {
  return {
    activations: { observes: true },
    weights: {},

    range(cx, refs, spec, x) {
      if (cx.training) observe(cx, x.ref, refs, spec, see);
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
      return { dx: weightGradients(cx, dy, w, refs.scale, spec, [spec.qmin, spec.qmax]).dx };
    },
  };
}

/**
 * Quantizers with one range must not move it between them: theirs covers what all saw before this step, and the first of
 * them sets it.
 */
function observe(
  cx: TrainContext,
  x: Ref,
  refs: QuantizerRefs,
  spec: QuantizerSpec,
  see: (seen: Seen, min: number, max: number) => void,
): void {
  const { state, states } = refs;
  if (states && states[0]!.ptr === state!.ptr) cover(cx, refs, states, spec);
  const bounds = cx.alloc([2]);
  cx.kernels.f32_min_max(sizeOf(x.shape), x.ptr, bounds.ptr);
  const [min, max] = cx.f32(bounds) as unknown as [number, number];
  see(cx.f32(state!), min, max);
  if (!states) cover(cx, refs, [state!], spec);
}

/** Sets the range to hold the bounds of all `states`. */
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
