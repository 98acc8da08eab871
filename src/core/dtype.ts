export type DType = 'f32' | 'i8' | 'u8' | 'i32' | 'f64';

/** Bytes of one element. */
export const bytesOf = { f32: 4, i8: 1, u8: 1, i32: 4, f64: 8 } as const satisfies Record<
  DType,
  number
>;

export const arrayOf = {
  f32: Float32Array,
  i8: Int8Array,
  u8: Uint8Array,
  i32: Int32Array,
  f64: Float64Array,
} as const;

export type ArrayOf<D extends DType> = InstanceType<(typeof arrayOf)[D]>;
export type TypedArray = ArrayOf<DType>;

/** The elements of a tensor in whatever memory. */
export type Elements = Int8Array | Uint8Array | Int32Array | Float32Array | Float64Array;
