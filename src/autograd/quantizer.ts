import type { QWeights, Ref, TrainContext } from '../core/op.ts';
import type { Graph, QuantizerSpec } from '../graph/graph.ts';
import type { RangeSums } from '../ops/pointwise.ts';

/** The parameters of a quantizer in wasm memory: f32 [1] or [channels], as in its spec. */
export interface QuantizerRefs {
  readonly scale: Ref;
  readonly zeroPoint?: Ref;
  readonly state?: Ref;
  /** Of all quantizers with this scale and zero point. */
  readonly states?: readonly Ref[];
  /** The method's own, in the order of the spec. */
  readonly own: Readonly<Record<string, Ref>>;
}

/** Gradients of a quantizer's own parameters; undefined where a method does not learn them. */
export interface RangeGradients<T> {
  readonly scale?: T;
  readonly zeroPoint?: T;
  /** Of the method's own parameters, by name. */
  readonly own?: Readonly<Record<string, T>>;
}

/** Those of a weight quantizer, [scales] each, and of what goes through it. */
export interface WeightGradients extends RangeGradients<Ref> {
  readonly dx: Ref;
}

/** Where an activation is rounded to: x̂ = scale · (q − zeroPoint). */
export interface Range {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What a range's gradient is made from. */
export interface RangeStep {
  /** Over x̂ and its gradient. */
  readonly sums: RangeSums;
  /** The grid of this step. */
  readonly range: Range;
  /** Elements of one sample: N of quantization.md eq. (19). */
  readonly elements: number;
  readonly spec: QuantizerSpec;
  readonly refs: QuantizerRefs;
}

/** Values of a quantizer's parameters, in wasm or between runs. Writing them sets them. */
export interface QuantizerValues {
  readonly scale: Float32Array;
  readonly zeroPoint?: Float32Array;
  readonly own: Readonly<Record<string, Float32Array>>;
}

/**
 * A way to choose ranges while training. The forward gives the integers that inference will see; for activations it is eq. (3)
 * of quantization.md and dx is straight through (eq. (15)), whatever the method.
 */
export interface QuantizerRule {
  /**
   * Scale and zero point from the method's own parameters, where it has them: before each forward of training, and after the last
   * update, so that everything else reads scale and zero point alone.
   */
  derive?(values: QuantizerValues, spec: QuantizerSpec): void;
  /** The grid of this step. May read x [N,…] f32 by its `ref`, which computes it, and update `refs`. */
  range(
    cx: TrainContext,
    refs: QuantizerRefs,
    spec: QuantizerSpec,
    x: { readonly ref: Ref },
  ): Range;
  rangeGradients(cx: TrainContext, step: RangeStep): RangeGradients<number>;
  /**
   * Changes dx, the straight-through gradient, in place; y f32 is what was rounded to the grid. A method that has this needs y
   * itself, which costs a pass more.
   */
  adjustGradient?(cx: TrainContext, dx: Ref, y: Ref, range: Range, spec: QuantizerSpec): void;
  quantizeWeights(cx: TrainContext, w: Ref, refs: QuantizerRefs, spec: QuantizerSpec): QWeights;
  backwardWeights(
    cx: TrainContext,
    dy: Ref,
    w: Ref,
    refs: QuantizerRefs,
    spec: QuantizerSpec,
  ): WeightGradients;
}

/** Methods by the name that `QuantizerSpec.method` gives. */
export type QuantizerTable = Readonly<Record<string, QuantizerRule>>;

/** Brings scale and zero point of all quantizers up to date with what their methods have learned. */
export function deriveRanges(graph: Graph, quantizers: QuantizerTable | undefined): void {
  for (const spec of graph.quantizers.values())
    quantizers?.[spec.method]?.derive?.(valuesOf(spec), spec);
}

/** The parameters' arrays. */
export function valuesOf({ scale, zeroPoint, own = {} }: QuantizerSpec): QuantizerValues {
  const data = (parameter: { readonly data: unknown }) => parameter.data as Float32Array;
  return {
    scale: data(scale),
    ...(zeroPoint && { zeroPoint: data(zeroPoint) }),
    own: Object.fromEntries(Object.entries(own).map(([name, one]) => [name, data(one)])),
  };
}
