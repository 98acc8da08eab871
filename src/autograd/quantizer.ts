import type { QWeights, Ref, TrainContext } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import type { QuantizerSpec } from '../graph/graph.ts';

/** The parameters of a quantizer in wasm memory: f32 [1] or [channels], as in its spec. */
export interface QuantizerRefs {
  readonly scale: Ref;
  readonly zeroPoint?: Ref;
  readonly state?: Ref;
  /** Of all quantizers with this scale and zero point. */
  readonly states?: readonly Ref[];
}

/** Gradients of a quantizer's own parameters; undefined where a method does not learn them. */
export interface RangeGradients {
  readonly dscale?: Ref;
  readonly dzeroPoint?: Ref;
}

/** Those of a weight quantizer, and of what goes through it. */
export interface QuantizerGradients extends RangeGradients {
  readonly dx: Ref;
}

/** Where an activation is rounded to: x̂ = scale · (q − zeroPoint). */
export interface Range {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * A way to choose ranges while training. The forward gives the integers that inference will see; for activations it is eq. (3)
 * of quantization.md and dx is straight through (eq. (15)), whatever the method.
 */
export interface QuantizerRule {
  /** The grid of this step. May read x [N,…] f32 by its `ref`, which computes it, and update `refs`. */
  range(
    cx: TrainContext,
    refs: QuantizerRefs,
    spec: QuantizerSpec,
    x: { readonly ref: Ref },
  ): Range;
  /** From Σ g·∂x̂/∂s and Σ g·∂x̂/∂z over x of `shape`. */
  rangeGradients(cx: TrainContext, sums: Range, shape: Shape, spec: QuantizerSpec): RangeGradients;
  quantizeWeights(cx: TrainContext, w: Ref, refs: QuantizerRefs, spec: QuantizerSpec): QWeights;
  backwardWeights(
    cx: TrainContext,
    dy: Ref,
    w: Ref,
    refs: QuantizerRefs,
    spec: QuantizerSpec,
  ): QuantizerGradients;
}

/** Methods by the name that `QuantizerSpec.method` gives. */
export type QuantizerTable = Readonly<Record<string, QuantizerRule>>;
