/**
 * The header of the two wasm modules: every kernel with the names of its arguments. A test compares names and
 * arity with the export lists of the modules; `KernelTable` turns them into callable types.
 *
 * Arguments are i32 (counts, pointers in bytes, integers) unless their name is marked below as f32.
 * Shapes and layouts stand in the doc comment of each kernel in `assembly/`, letters in `docs/kernels.md`.
 */

/** Integer kernels: all that inference needs. */
export const inferKernels = {
  qs8_pack_weights: ['n', 'rows', 'run', 'zeroPoint', 'w', 'packed'],
  qs8_conv2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  qs8_gemv: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  qs8_pack_winograd_weights: ['n', 'channels', 'zeroPoint', 'w', 'packed'],
  qs8_winograd2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  qs8_pack_dwconv_weights: ['channels', 'kernelHeight', 'kernelWidth', 'zeroPoint', 'w', 'packed'],
  qs8_dwconv2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  qs8_vadd: ['n', 'a', 'b', 'y', 'params'],
  qs8_vmul: ['n', 'a', 'b', 'y', 'params'],
  qs8_vminmax: ['n', 'a', 'b', 'y', 'params', 'larger'],
  qs8_prelu: ['rows', 'channels', 'x', 'alpha', 'y', 'params'],
  qs8_f32_conv2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  f32_qs8_lstm_gates: ['params', 'x', 'h', 'before', 'after', 'y', 'q'],
  f32_qs8_gru_gates: ['params', 'x', 'h', 'before', 'after', 'y', 'q'],
  qs8_mean: ['params', 'outer', 'n', 'inner', 'x', 'y'],
  qs8_softmax: ['rows', 'n', 'x', 'table', 'y', 'params'],
  qs8_l2norm: ['rows', 'n', 'x', 'y', 'params'],
  qs8_layernorm: ['rows', 'n', 'x', 'y', 'params'],
  qs8_matmul: ['params', 'first', 'count', 'a', 'b', 'y', 'scratch'],
  qs8_causal_softmax: ['matrices', 'rows', 'n', 'x', 'table', 'y', 'params'],
  qs8_argmax: ['outer', 'n', 'inner', 'x', 'y'],
  qs8_maxpool2d: ['params', 'first', 'count', 'x', 'y'],
  qs8_avgpool2d: ['params', 'first', 'count', 'x', 'y'],
  qs8_vclamp: ['n', 'x', 'y', 'qmin', 'qmax'],
  f32_qs8_vquantize: ['n', 'x', 'y', 'params'],
  qs8_f32_vdequantize: ['n', 'x', 'y', 'params'],
  u8_lut: ['pixels', 'channels', 'x', 'table', 'y'],
  x8_copy: ['params', 'first', 'count', 'x', 'y'],
  x8_gather: ['params', 'first', 'count', 'x', 'y'],
  x8_embedding: ['n', 'rows', 'bytes', 'x', 'table', 'y'],
  qs8_resize_bilinear: ['params', 'first', 'count', 'x', 'y'],
  x8_xor: ['n', 'x', 'y', 'bits'],
} as const;

/** f32 forward and backward, fake quantization, optimizers: what training adds. */
export const trainKernels = {
  qs8_f32_winograd2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  qs8_f32_dwconv2d: ['params', 'first', 'count', 'x', 'w', 'y', 'scratch'],
  f32_pack_weights: ['n', 'k', 'w', 'packed'],
  f32_pack_weights_transposed: ['n', 'k', 'w', 'packed'],
  f32_conv2d: ['params', 'batch', 'x', 'w', 'bias', 'y', 'scratch'],
  f32_conv2d_input_gradient: ['params', 'batch', 'dy', 'w', 'dx', 'scratch'],
  f32_conv2d_weight_gradient: ['params', 'batch', 'dy', 'x', 'dw', 'scratch'],
  f32_dense: ['rows', 'n', 'k', 'x', 'w', 'bias', 'y', 'yStride', 'scratch'],
  f32_dense_input_gradient: ['rows', 'n', 'k', 'dy', 'w', 'dx', 'stride', 'scratch'],
  f32_dense_weight_gradient: ['rows', 'n', 'k', 'dy', 'dyStride', 'x', 'dw', 'scratch'],
  f32_pack_winograd_weights: ['panels', 'depth', 'w', 'panelStep', 'depthStep', 'tapStep', 'u'],
  f32_winograd2d: ['params', 'batch', 'x', 'w', 'bias', 'y', 'scratch'],
  f32_winograd2d_weight_gradient: ['params', 'batch', 'dy', 'x', 'dw', 'scratch'],
  f32_dwconv2d: ['params', 'batch', 'x', 'w', 'bias', 'y'],
  f32_dwconv2d_input_gradient: ['params', 'batch', 'dy', 'w', 'dx'],
  f32_dwconv2d_weight_gradient: ['params', 'batch', 'dy', 'x', 'dw', 'scratch'],
  f32_column_sums: ['rows', 'channels', 'x', 'sums'],
  f32_moments: ['rows', 'channels', 'x', 'shift', 'sums', 'squares'],
  f32_vaffine: ['rows', 'channels', 'x', 'a', 'b', 'y', 'lo:f32', 'hi:f32'],
  f32_qs8_vaffine: ['rows', 'channels', 'x', 'a', 'b', 'y', 'params'],
  f32_batchnorm_sums: [
    'rows',
    'channels',
    'x',
    'dy',
    'a',
    'b',
    'mean',
    'sums',
    'lo:f32',
    'hi:f32',
    'params',
  ],
  f32_batchnorm_backward: [
    'rows',
    'channels',
    'x',
    'dy',
    'a',
    'b',
    'p',
    'q',
    'r',
    'dx',
    'lo:f32',
    'hi:f32',
  ],
  f32_layernorm: ['rows', 'n', 'x', 'gamma', 'beta', 'y', 'moments', 'epsilon:f32'],
  f32_layernorm_backward: ['rows', 'n', 'x', 'dy', 'gamma', 'moments', 'dx', 'sums'],
  f32_vclamp: ['n', 'x', 'y', 'lo:f32', 'hi:f32'],
  f32_vclamp_backward: ['n', 'y', 'dy', 'dx', 'lo:f32', 'hi:f32'],
  f32_vadd: ['n', 'a', 'b', 'y'],
  f32_vscale: ['n', 'x', 's:f32', 'y'],
  f32_softmax: ['first', 'count', 'n', 'queries', 'x', 'beta:f32', 'y', 'constants'],
  f32_softmax_backward: ['rows', 'n', 'y', 'dy', 'beta:f32', 'dx'],
  f32_l2norm: ['rows', 'n', 'x', 'y'],
  f32_l2norm_backward: ['rows', 'n', 'x', 'y', 'dy', 'dx'],
  f32_mean: ['outer', 'n', 'inner', 'x', 'y'],
  f32_resize_bilinear: ['params', 'first', 'count', 'x', 'y'],
  f32_resize_bilinear_backward: ['params', 'first', 'count', 'dy', 'dx'],
  f32_scatter_add: ['params', 'first', 'count', 'dy', 'dx'],
  f32_vbinary: [
    ...(['rows', 'n', 'kind', 'a', 'aRow', 'aStep', 'b', 'bRow', 'bStep', 'dy', 'y'] as const),
  ],
  f32_product_sums: ['rows', 'channels', 'a', 'b', 'sums'],
  f32_row_sums: ['rows', 'n', 'x', 'sums'],
  f32_vfunction: ['n', 'kind', 'alpha:f32', 'x', 'y', 'constants'],
  f32_vfunction_backward: ['n', 'kind', 'alpha:f32', 'x', 'y', 'dy', 'dx', 'constants'],
  f32_dropout: ['n', 'seed', 'threshold', 'scale:f32', 'x', 'y'],
  f32_maxpool2d: ['params', 'batch', 'x', 'y'],
  f32_maxpool2d_backward: ['params', 'batch', 'x', 'y', 'dy', 'dx'],
  qs8_maxpool2d_backward: ['params', 'batch', 'x', 'y', 'dy', 'dx'],
  f32_avgpool2d: ['params', 'batch', 'x', 'y'],
  f32_avgpool2d_backward: ['params', 'batch', 'dy', 'dx'],
  f32_softmax_cross_entropy: [
    'rows',
    'classes',
    'logits',
    'labels',
    'dlogits',
    'losses',
    'scale:f32',
  ],
  f32_lstm_gates: ['params', 'x', 'h', 'before', 'after', 'squashed', 'y'],
  f32_lstm_gates_backward: ['params', 'gates', 'before', 'squashed', 'dy', 'dstate', 'dx'],
  f32_gru_gates: ['params', 'x', 'h', 'before', 'after', 'inner', 'y'],
  f32_gru_gates_backward: ['params', 'gates', 'before', 'inner', 'dy', 'dstate', 'dx', 'dh'],
  f32_softmax_targets: [
    'rows',
    'classes',
    'logits',
    'q',
    'dlogits',
    'losses',
    'sharpness:f32',
    'scale:f32',
  ],
  f32_sigmoid_cross_entropy: ['n', 'x', 'y', 'dx', 'sum', 'scale:f32'],
  f32_squared_error: ['n', 'x', 'y', 'dx', 'sums', 'scale:f32'],
  f32_absolute_error: ['n', 'x', 'y', 'dx', 'sums', 'scale:f32'],
  f32_huber: ['n', 'x', 'y', 'dx', 'sums', 'delta:f32', 'scale:f32'],
  f32_sgd: ['n', 'w', 'g', 'm', 'params'],
  f32_adam: ['n', 'w', 'g', 'm', 'v', 'params'],
  f32_rmsprop: ['n', 'w', 'g', 'v', 'm', 'a', 'params'],
  f32_average: ['n', 'a', 'w', 'rate:f32'],
  f32_sum_of_squares: ['n', 'x', 'sum'],
  f32_min_max: ['n', 'x', 'out'],
  f32_count_nonfinite: ['n', 'x', 'count'],
  f32_quantize_error: ['n', 'stride', 'x', 'params'],
  f32_fakequant_backward: ['n', 'x', 'dy', 'dx', 'sums', 'lo:f32', 'hi:f32', 'params'],
  f32_qc8w_quantize: ['outer', 'channels', 'inner', 'w', 'scale', 'qmin', 'qmax', 'q', 'wq'],
  f32_qc8w_lsq_backward: [
    'outer',
    'channels',
    'inner',
    'w',
    'scale',
    'qmin',
    'qmax',
    'dwq',
    'dw',
    'dscale',
    'lo:f32',
    'hi:f32',
  ],
  f32_ewgs: ['outer', 'channels', 'inner', 'x', 'scale', 'dx', 'factor:f32'],
} as const;

type Header = Readonly<Record<string, readonly string[]>>;
type Numbers<Names extends readonly string[]> = { -readonly [I in keyof Names]: number };

/** `f32_quantize_error` returns an f64; every other kernel returns nothing. */
export type KernelTable<H extends Header> = {
  readonly [K in keyof H]: (
    ...args: Numbers<H[K]>
  ) => K extends 'f32_quantize_error' ? number : void;
};

export type InferKernels = KernelTable<typeof inferKernels>;
export type TrainKernels = KernelTable<typeof trainKernels>;
export type InferKernelName = keyof typeof inferKernels;

/** A kernel of training that is an integer kernel but for its last step. */
export type RealSumName = 'qs8_f32_winograd2d' | 'qs8_f32_dwconv2d';
