import type { QParams } from '../../core/qparams.ts';
import type { Shape } from '../../core/shape.ts';

/** An int8 activation with the batch size filled in. */
export interface Activation {
  readonly shape: Shape;
  readonly qparams: QParams;
  readonly data: Int8Array<ArrayBuffer>;
}

export interface Constant {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** The inputs of an integer node (quantization.md, table 1) and the output that it fills. */
export interface Operands {
  readonly x: readonly Activation[];
  readonly constants: readonly Constant[];
  readonly y: Activation;
}

export type ReferenceOp<A = unknown> = (operands: Operands, attrs: A) => void;

/** The four extents of an NHWC shape. */
export type Extents = readonly [number, number, number, number];
