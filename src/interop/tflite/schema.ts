/**
 * The parts of the TFLite schema (version 3) that the importer reads: numbers of fields, codes of ops, and the options of
 * those ops that it knows.
 */

/** Builtin ops in the order of their codes. */
const NAMES = `
  ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
  FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION
  LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
  CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
  BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
  BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
  ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
  TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
  LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD
  RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
  GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
  NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
  PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
  HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE
  BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1
  UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR
  RIGHT_SHIFT`
  .trim()
  .split(/\s+/);

export function builtinName(code: number): string {
  return NAMES[code] ?? `BUILTIN_${code}`;
}

export function builtinCode(name: string): number {
  return NAMES.indexOf(name);
}

/** Codes above 126 do not fit into the byte that older files use, which then holds this one. */
export const LAST_OLD_CODE = builtinCode('PLACEHOLDER_FOR_GREATER_OP_CODES');

/** An option: the number of its field, how it is stored, and what it is where the file leaves it out. */
export interface OptionField {
  readonly slot: number;
  readonly kind: 'byte' | 'int' | 'float' | 'ints';
  readonly missing: number;
}

export interface OptionTable {
  /** What the file calls this table. */
  readonly union: number;
  readonly fields: Readonly<Record<string, OptionField>>;
}

const byte = (slot: number): OptionField => ({ slot, kind: 'byte', missing: 0 });
const int = (slot: number, missing = 0): OptionField => ({ slot, kind: 'int', missing });
const float = (slot: number): OptionField => ({ slot, kind: 'float', missing: 0 });
const ints = (slot: number): OptionField => ({ slot, kind: 'ints', missing: 0 });

const table = (union: number, fields: OptionTable['fields']): OptionTable => ({ union, fields });
const fused = (union: number) => table(union, { activation: byte(0) });

const POOL = table(5, {
  padding: byte(0),
  strideWidth: int(1),
  strideHeight: int(2),
  filterWidth: int(3),
  filterHeight: int(4),
  activation: byte(5),
});
const REDUCER = table(27, { keepDims: byte(0) });

/** Options of the ops that have some, by name. */
export const OPTIONS: Readonly<Record<string, OptionTable>> = {
  ADD: fused(11),
  AVERAGE_POOL_2D: POOL,
  CONCATENATION: table(10, { axis: int(0), activation: byte(1) }),
  CONV_2D: table(1, {
    padding: byte(0),
    strideWidth: int(1),
    strideHeight: int(2),
    activation: byte(3),
    dilationWidth: int(4, 1),
    dilationHeight: int(5, 1),
  }),
  DEPTH_TO_SPACE: table(94, { blockSize: int(0) }),
  DEPTHWISE_CONV_2D: table(2, {
    padding: byte(0),
    strideWidth: int(1),
    strideHeight: int(2),
    depthMultiplier: int(3),
    activation: byte(4),
    dilationWidth: int(5, 1),
    dilationHeight: int(6, 1),
  }),
  DIV: fused(29),
  FULLY_CONNECTED: table(8, { activation: byte(0), weightsFormat: byte(1), keepDims: byte(2) }),
  GATHER: table(23, { axis: int(0), batchDims: int(1) }),
  GELU: table(116, { approximate: byte(0) }),
  L2_NORMALIZATION: fused(12),
  LEAKY_RELU: table(75, { alpha: float(0) }),
  MAX_POOL_2D: POOL,
  MEAN: REDUCER,
  MIRROR_PAD: table(77, { mode: byte(0) }),
  MUL: fused(21),
  PACK: table(59, { count: int(0), axis: int(1) }),
  REDUCE_MAX: REDUCER,
  RESHAPE: table(17, { shape: ints(0) }),
  RESIZE_BILINEAR: table(15, { alignCorners: byte(2), halfPixelCenters: byte(3) }),
  RESIZE_NEAREST_NEIGHBOR: table(74, { alignCorners: byte(0), halfPixelCenters: byte(1) }),
  SOFTMAX: table(9, { beta: float(0) }),
  SPACE_TO_DEPTH: table(19, { blockSize: int(0) }),
  SPLIT: table(35, { count: int(0) }),
  SPLIT_V: table(79, { count: int(0) }),
  SQUEEZE: table(30, { axes: ints(0) }),
  STRIDED_SLICE: table(32, {
    beginMask: int(0),
    endMask: int(1),
    ellipsisMask: int(2),
    newAxisMask: int(3),
    shrinkAxisMask: int(4),
    offset: byte(5),
  }),
  SUB: fused(28),
  TRANSPOSE_CONV: table(49, {
    padding: byte(0),
    strideWidth: int(1),
    strideHeight: int(2),
    activation: byte(3),
  }),
  UNPACK: table(64, { count: int(0), axis: int(1) }),
};
