import type { DType, TypedArray } from '../../core/dtype.ts';
import type { QParams } from '../../core/qparams.ts';
import type { Shape } from '../../core/shape.ts';

/** An activation with the batch size filled in, or a constant that stands for one. */
export interface Activation {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Those of i8 and u8. */
  readonly qparams: QParams;
  readonly data: TypedArray;
}

export interface Constant {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly qparams?: QParams;
}

/** The zero point of weights. */
export function weightZero({ qparams }: Constant): number {
  return qparams?.zeroPoint ?? 0;
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
