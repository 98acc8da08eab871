import type { QRef, QWeights, Ref, TrainContext } from '../core/op.ts';
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
export interface QuantizerGradients {
  readonly dx: Ref;
  readonly dscale?: Ref;
  readonly dzeroPoint?: Ref;
}

/** A way to choose ranges while training. The forward gives the integers that inference will see. */
export interface QuantizerRule {
  /** x [N,…] f32 → q i8 of the same shape. May update `refs`. */
  quantize(cx: TrainContext, x: Ref, refs: QuantizerRefs, spec: QuantizerSpec): QRef;
  /** dy is the gradient of x̂. */
  backward(
    cx: TrainContext,
    dy: Ref,
    x: Ref,
    q: QRef,
    refs: QuantizerRefs,
    spec: QuantizerSpec,
  ): QuantizerGradients;
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
