/** How one tensor of a layer is quantized, as far as its model's scheme does not say: plain data, as it stands in JSON. */
export interface TensorAnnotation {
  /** A name of `methods`, of the model's own quantizers, or 'fixed' with `min` and `max`. */
  readonly method?: string;
  /** 2 to 8. */
  readonly bits?: number;
  /** Weights: a scale for each output channel, or one for all. */
  readonly perChannel?: boolean;
  /** Activations with method 'fixed': the reals that the range holds. */
  readonly min?: number;
  readonly max?: number;
}

/** What was asked for the tensors of a node. */
export interface Annotation {
  readonly weights?: TensorAnnotation;
  /** What comes out of the node, or of the segment that it is part of. */
  readonly activations?: TensorAnnotation;
}
