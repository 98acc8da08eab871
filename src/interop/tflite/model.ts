/** A .tflite file as plain data: what its main subgraph says, checked as far as the file format goes. */

export interface TfliteModel {
  readonly description: string;
  readonly tensors: readonly TfliteTensor[];
  /** In the order in which they run. */
  readonly operators: readonly TfliteOperator[];
  /** Indices of tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface TfliteTensor {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  /** Where it differs from the shape: -1 for an extent that the file leaves open. */
  readonly signature?: readonly number[];
  readonly type: TfliteType;
  /** The bytes of a constant, little-endian: a view of the file. */
  readonly data?: Uint8Array;
  readonly quantization?: TfliteQuantization;
  /** Keeps its value between runs. */
  readonly variable: boolean;
  /** The bytes are those of a sparse encoding. */
  readonly sparse: boolean;
}

/** real = scale · (q − zeroPoint), one entry for the tensor or one for each index along `axis`. */
export interface TfliteQuantization {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
  /** Something else than a scale and a zero point: blocks, codebooks. */
  readonly custom: boolean;
}

export interface TfliteOperator {
  readonly index: number;
  /** CONV_2D; the name of its own for a custom one. */
  readonly name: string;
  readonly custom: boolean;
  readonly version: number;
  /** Indices of tensors, -1 for an optional one that is absent. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Booleans are 0 and 1. Defaults are filled in. */
  readonly options: Readonly<Record<string, number | readonly number[]>>;
}

/** Names of tensor types by their number in files. */
export const TYPES = [
  ...(['float32', 'float16', 'int32', 'uint8', 'int64', 'string', 'bool', 'int16'] as const),
  ...(['complex64', 'int8', 'float64', 'complex128', 'uint64', 'resource', 'variant'] as const),
  ...(['uint32', 'uint16', 'int4', 'bfloat16'] as const),
] as const;

export type TfliteType = (typeof TYPES)[number];

/** Bits of an element, for the types whose constants can be read. */
export const BITS: Partial<Record<TfliteType, number>> = {
  float32: 32,
  float16: 16,
  int32: 32,
  uint8: 8,
  int64: 64,
  bool: 8,
  int16: 16,
  int8: 8,
  float64: 64,
  uint64: 64,
  uint32: 32,
  uint16: 16,
  int4: 4,
  bfloat16: 16,
};
