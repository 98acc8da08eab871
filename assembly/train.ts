/** The kernels of training: f32 forward and backward, fake quantization. `src/core/kernels.ts` is the header. */
export {
  f32_pack_weights__simd128 as f32_pack_weights,
  f32_pack_weights_transposed__simd128 as f32_pack_weights_transposed,
} from './f32/packWeights';
export { f32_conv2d__simd128 as f32_conv2d } from './f32/conv2d';
export {
  f32_conv2d_input_gradient__simd128 as f32_conv2d_input_gradient,
} from './f32/conv2dInputGradient';
export {
  f32_conv2d_weight_gradient__simd128 as f32_conv2d_weight_gradient,
} from './f32/conv2dWeightGradient';
export {
  f32_dense__simd128 as f32_dense,
  f32_dense_input_gradient__simd128 as f32_dense_input_gradient,
  f32_dense_weight_gradient__simd128 as f32_dense_weight_gradient,
} from './f32/dense';
export { f32_pack_winograd_weights__simd128 as f32_pack_winograd_weights } from './f32/winogradWeights';
export { f32_winograd2d__simd128 as f32_winograd2d } from './f32/winograd2d';
export {
  f32_winograd2d_weight_gradient__simd128 as f32_winograd2d_weight_gradient,
} from './f32/winogradWeightGradient';
export {
  f32_pack_strided_winograd_weights__simd128 as f32_pack_strided_winograd_weights,
} from './f32/stridedWinogradWeights';
export {
  f32_strided_winograd2d__simd128 as f32_strided_winograd2d,
} from './f32/stridedWinograd2d';
export {
  f32_strided_winograd2d_input_gradient__simd128 as f32_strided_winograd2d_input_gradient,
} from './f32/stridedWinogradInputGradient';
export {
  f32_strided_winograd2d_weight_gradient__simd128 as f32_strided_winograd2d_weight_gradient,
} from './f32/stridedWinogradWeightGradient';
export { f32_dwconv2d__simd128 as f32_dwconv2d } from './f32/dwconv2d';
export {
  f32_dwconv2d_input_gradient__simd128 as f32_dwconv2d_input_gradient,
} from './f32/dwconv2dInputGradient';
export {
  f32_dwconv2d_weight_gradient__simd128 as f32_dwconv2d_weight_gradient,
} from './f32/dwconv2dWeightGradient';
export { f32_column_sums__simd128 as f32_column_sums } from './f32/columnSums';
export { f32_moments__simd128 as f32_moments } from './f32/moments';
export {
  f32_vaffine__simd128 as f32_vaffine,
  f32_qs8_vaffine__simd128 as f32_qs8_vaffine,
} from './f32/vaffine';
export { f32_batchnorm_sums__simd128 as f32_batchnorm_sums } from './f32/batchnormSums';
export {
  f32_batchnorm_backward__simd128 as f32_batchnorm_backward,
} from './f32/batchnormBackward';
export { f32_layernorm__simd128 as f32_layernorm } from './f32/layernorm';
export {
  f32_layernorm_backward__simd128 as f32_layernorm_backward,
} from './f32/layernormBackward';
export {
  f32_vclamp__simd128 as f32_vclamp,
  f32_vclamp_backward__simd128 as f32_vclamp_backward,
} from './f32/vclamp';
export { f32_vadd__simd128 as f32_vadd } from './f32/vadd';
export { f32_vscale__simd128 as f32_vscale } from './f32/vscale';
export {
  f32_softmax__simd128 as f32_softmax,
  f32_softmax_backward__simd128 as f32_softmax_backward,
} from './f32/softmax';
export {
  f32_l2norm__simd128 as f32_l2norm,
  f32_l2norm_backward__simd128 as f32_l2norm_backward,
} from './f32/l2norm';
export { f32_mean__simd128 as f32_mean } from './f32/mean';
export {
  f32_resize_bilinear__simd128 as f32_resize_bilinear,
  f32_resize_bilinear_backward__simd128 as f32_resize_bilinear_backward,
} from './f32/resize';
export { f32_scatter_add__simd128 as f32_scatter_add } from './f32/scatterAdd';
export { f32_vbinary__simd128 as f32_vbinary } from './f32/vbinary';
export {
  f32_product_sums__simd128 as f32_product_sums,
  f32_row_sums__simd128 as f32_row_sums,
} from './f32/productSums';
export { f32_vfunction__simd128 as f32_vfunction } from './f32/vfunction';
export {
  f32_vfunction_backward__simd128 as f32_vfunction_backward,
} from './f32/vfunctionBackward';
export { f32_dropout__simd128 as f32_dropout } from './f32/dropout';
export { f32_maxpool2d__simd128 as f32_maxpool2d } from './f32/maxpool2d';
export {
  f32_maxpool2d_backward__simd128 as f32_maxpool2d_backward,
  qs8_maxpool2d_backward__simd128 as qs8_maxpool2d_backward,
} from './f32/maxpool2dBackward';
export {
  f32_avgpool2d__simd128 as f32_avgpool2d,
  f32_avgpool2d_backward__simd128 as f32_avgpool2d_backward,
} from './f32/avgpool2d';
export {
  f32_softmax_cross_entropy__simd128 as f32_softmax_cross_entropy,
} from './f32/softmaxCrossEntropy';
export {
  f32_lstm_gates__simd128 as f32_lstm_gates,
  f32_lstm_gates_backward__simd128 as f32_lstm_gates_backward,
} from './f32/lstm';
export {
  f32_gru_gates__simd128 as f32_gru_gates,
  f32_gru_gates_backward__simd128 as f32_gru_gates_backward,
} from './f32/gru';
export { f32_softmax_targets__simd128 as f32_softmax_targets } from './f32/softmaxTargets';
export {
  f32_sigmoid_cross_entropy__simd128 as f32_sigmoid_cross_entropy,
} from './f32/sigmoidCrossEntropy';
export {
  f32_squared_error__simd128 as f32_squared_error,
  f32_absolute_error__simd128 as f32_absolute_error,
  f32_huber__simd128 as f32_huber,
} from './f32/regression';
export { f32_sgd__simd128 as f32_sgd } from './f32/sgd';
export { f32_adam__simd128 as f32_adam } from './f32/adam';
export { f32_rmsprop__simd128 as f32_rmsprop } from './f32/rmsprop';
export { f32_average__simd128 as f32_average } from './f32/average';
export { f32_sum_of_squares__simd128 as f32_sum_of_squares } from './f32/sumOfSquares';
export { f32_min_max__simd128 as f32_min_max } from './f32/minMax';
export { f32_count_nonfinite__simd128 as f32_count_nonfinite } from './f32/countNonfinite';
export { f32_quantize_error__simd128 as f32_quantize_error } from './fakequant/quantizeError';
export {
  f32_fakequant_backward__simd128 as f32_fakequant_backward,
} from './fakequant/fakequantBackward';
export { f32_qc8w_quantize__simd128 as f32_qc8w_quantize } from './fakequant/qc8wQuantize';
export {
  f32_qc8w_lsq_backward__simd128 as f32_qc8w_lsq_backward,
} from './fakequant/qc8wLsqBackward';
export { f32_ewgs__simd128 as f32_ewgs } from './fakequant/ewgs';
export { qs8_f32_winograd2d__simd128 as qs8_f32_winograd2d } from './int8/winograd';
export { qs8_f32_dwconv2d__simd128 as qs8_f32_dwconv2d } from './int8/dwconv2d';
