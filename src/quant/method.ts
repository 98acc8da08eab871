import type { QuantizerRule, QuantizerValues } from '../autograd/quantizer.ts';
import type { QuantizerSpec } from '../graph/graph.ts';

/** A parameter that a method keeps besides scale and zero point: as many values as the quantizer has scales. */
export interface OwnParameter {
  /** False for what it only remembers; default true. */
  readonly trained?: boolean;
  /** Weight decay applies; default false. */
  readonly decay?: boolean;
  /** The least value that an update leaves. */
  readonly minimum?: number;
  /**
   * Each of the activations that a concat puts side by side has one of its own; default false: they share it, as they share the scale. For
   * what a method remembers of the gradient of one tensor.
   */
  readonly apart?: boolean;
}

/** What a method wants of its quantizers. */
export interface Layout {
  /** The scale is trained itself; default false. */
  readonly scale?: boolean;
  /** Its own parameters by name. Those of an activation may depend on whether a clamp at 0 comes before. */
  readonly own?: (clamped: boolean) => Readonly<Record<string, OwnParameter>>;
}

export interface ActivationLayout extends Layout {
  /**
   * Of values of both signs: 'learned' is a real number that is trained; 'kept', the default, one that calibration or the method sets;
   * 'symmetric' is 0 for good.
   */
  readonly zeroPoint?: 'learned' | 'kept' | 'symmetric';
  /** It follows the data, through f32 [3] of its own. */
  readonly observes?: boolean;
}

/**
 * A way to choose ranges: how it trains, the parameters it wants, and where it starts. A method is one file; `methods` lists
 * them.
 */
export interface Method extends QuantizerRule {
  readonly activations: ActivationLayout;
  readonly weights: Layout;
  /** Sets the method's own parameters from the scale and zero point that calibration has found. */
  start?(values: QuantizerValues, spec: QuantizerSpec): void;
}

/** Methods by name. */
export type MethodTable = Readonly<Record<string, Method>>;
