/** The plain twins of both families, for tests alone. First the integer kernels, then those of training. */
export { qs8_pack_weights__scalar as qs8_pack_weights } from './int8/packWeights';
export {
  qs8_conv2d__scalar as qs8_conv2d,
  qs8_f32_conv2d__scalar as qs8_f32_conv2d,
} from './int8/conv2d';
export {
  qs8_gemv__scalar as qs8_gemv,
} from './int8/gemv';
export {
  qs8_pack_winograd_weights__scalar as qs8_pack_winograd_weights,
} from './int8/packWinograd';
export {
  qs8_winograd2d__scalar as qs8_winograd2d,
  qs8_f32_winograd2d__scalar as qs8_f32_winograd2d,
} from './int8/winograd';
export {
  qs8_pack_dwconv_weights__scalar as qs8_pack_dwconv_weights,
} from './int8/packDepthwise';
export {
  qs8_dwconv2d__scalar as qs8_dwconv2d,
  qs8_f32_dwconv2d__scalar as qs8_f32_dwconv2d,
} from './int8/dwconv2d';
export { qs8_vadd__scalar as qs8_vadd } from './int8/vadd';
export { qs8_vmul__scalar as qs8_vmul } from './int8/vmul';
export { qs8_vminmax__scalar as qs8_vminmax } from './int8/vminmax';
export { qs8_prelu__scalar as qs8_prelu } from './int8/prelu';
export { qs8_mean__scalar as qs8_mean } from './int8/mean';
export { qs8_softmax__scalar as qs8_softmax } from './int8/softmax';
export { qs8_l2norm__scalar as qs8_l2norm } from './int8/l2norm';
export { qs8_layernorm__scalar as qs8_layernorm } from './int8/layernorm';
export { qs8_matmul__scalar as qs8_matmul } from './int8/matmul';
export { qs8_causal_softmax__scalar as qs8_causal_softmax } from './int8/causalSoftmax';
export { qs8_argmax__scalar as qs8_argmax } from './int8/argmax';
export {
  qs8_maxpool2d__scalar as qs8_maxpool2d,
  qs8_avgpool2d__scalar as qs8_avgpool2d,
} from './int8/pool';
export { qs8_vclamp__scalar as qs8_vclamp } from './int8/vclamp';
export {
  f32_qs8_vquantize__scalar as f32_qs8_vquantize,
  qs8_f32_vdequantize__scalar as qs8_f32_vdequantize,
} from './int8/vquantize';
export { u8_lut__scalar as u8_lut, x8_xor__scalar as x8_xor } from './int8/lut';
export { f32_qs8_lstm_gates__scalar as f32_qs8_lstm_gates } from './int8/lstm';
export { f32_qs8_gru_gates__scalar as f32_qs8_gru_gates } from './int8/gru';
export { x8_embedding__scalar as x8_embedding } from './int8/embedding';
export { x8_copy__scalar as x8_copy } from './int8/copy';
export { x8_gather__scalar as x8_gather } from './int8/gather';
export { qs8_resize_bilinear__scalar as qs8_resize_bilinear } from './int8/resize';

export {
  f32_pack_weights__scalar as f32_pack_weights,
  f32_pack_weights_transposed__scalar as f32_pack_weights_transposed,
} from './f32/packWeights';
export { f32_conv2d__scalar as f32_conv2d } from './f32/conv2d';
export {
  f32_dense__scalar as f32_dense,
  f32_dense_input_gradient__scalar as f32_dense_input_gradient,
  f32_dense_weight_gradient__scalar as f32_dense_weight_gradient,
} from './f32/dense';
export {
  f32_conv2d_input_gradient__scalar as f32_conv2d_input_gradient,
} from './f32/conv2dInputGradient';
export {
  f32_conv2d_weight_gradient__scalar as f32_conv2d_weight_gradient,
} from './f32/conv2dWeightGradient';
export { f32_pack_winograd_weights__scalar as f32_pack_winograd_weights } from './f32/winogradWeights';
export { f32_winograd2d__scalar as f32_winograd2d } from './f32/winograd2d';
export {
  f32_winograd2d_weight_gradient__scalar as f32_winograd2d_weight_gradient,
} from './f32/winogradWeightGradient';
export {
  f32_pack_strided_winograd_weights__scalar as f32_pack_strided_winograd_weights,
} from './f32/stridedWinogradWeights';
export {
  f32_strided_winograd2d__scalar as f32_strided_winograd2d,
} from './f32/stridedWinograd2d';
export {
  f32_strided_winograd2d_input_gradient__scalar as f32_strided_winograd2d_input_gradient,
} from './f32/stridedWinogradInputGradient';
export {
  f32_strided_winograd2d_weight_gradient__scalar as f32_strided_winograd2d_weight_gradient,
} from './f32/stridedWinogradWeightGradient';
export { f32_dwconv2d__scalar as f32_dwconv2d } from './f32/dwconv2d';
export {
  f32_dwconv2d_input_gradient__scalar as f32_dwconv2d_input_gradient,
} from './f32/dwconv2dInputGradient';
export {
  f32_dwconv2d_weight_gradient__scalar as f32_dwconv2d_weight_gradient,
} from './f32/dwconv2dWeightGradient';
export { f32_column_sums__scalar as f32_column_sums } from './f32/columnSums';
export { f32_moments__scalar as f32_moments } from './f32/moments';
export {
  f32_vaffine__scalar as f32_vaffine,
  f32_qs8_vaffine__scalar as f32_qs8_vaffine,
} from './f32/vaffine';
export { f32_batchnorm_sums__scalar as f32_batchnorm_sums } from './f32/batchnormSums';
export {
  f32_batchnorm_backward__scalar as f32_batchnorm_backward,
} from './f32/batchnormBackward';
export { f32_layernorm__scalar as f32_layernorm } from './f32/layernorm';
export {
  f32_layernorm_backward__scalar as f32_layernorm_backward,
} from './f32/layernormBackward';
export {
  f32_vclamp__scalar as f32_vclamp,
  f32_vclamp_backward__scalar as f32_vclamp_backward,
} from './f32/vclamp';
export { f32_vadd__scalar as f32_vadd } from './f32/vadd';
export { f32_vscale__scalar as f32_vscale } from './f32/vscale';
export {
  f32_softmax__scalar as f32_softmax,
  f32_softmax_backward__scalar as f32_softmax_backward,
} from './f32/softmax';
export {
  f32_l2norm__scalar as f32_l2norm,
  f32_l2norm_backward__scalar as f32_l2norm_backward,
} from './f32/l2norm';
export { f32_mean__scalar as f32_mean } from './f32/mean';
export {
  f32_resize_bilinear__scalar as f32_resize_bilinear,
  f32_resize_bilinear_backward__scalar as f32_resize_bilinear_backward,
} from './f32/resize';
export { f32_scatter_add__scalar as f32_scatter_add } from './f32/scatterAdd';
export { f32_vbinary__scalar as f32_vbinary } from './f32/vbinary';
export {
  f32_product_sums__scalar as f32_product_sums,
  f32_row_sums__scalar as f32_row_sums,
} from './f32/productSums';
export { f32_vfunction__scalar as f32_vfunction } from './f32/vfunction';
export {
  f32_vfunction_backward__scalar as f32_vfunction_backward,
} from './f32/vfunctionBackward';
export { f32_dropout__scalar as f32_dropout } from './f32/dropout';
export { f32_maxpool2d__scalar as f32_maxpool2d } from './f32/maxpool2d';
export {
  f32_maxpool2d_backward__scalar as f32_maxpool2d_backward,
  qs8_maxpool2d_backward__scalar as qs8_maxpool2d_backward,
} from './f32/maxpool2dBackward';
export {
  f32_avgpool2d__scalar as f32_avgpool2d,
  f32_avgpool2d_backward__scalar as f32_avgpool2d_backward,
} from './f32/avgpool2d';
export {
  f32_softmax_cross_entropy__scalar as f32_softmax_cross_entropy,
} from './f32/softmaxCrossEntropy';
export {
  f32_lstm_gates__scalar as f32_lstm_gates,
  f32_lstm_gates_backward__scalar as f32_lstm_gates_backward,
} from './f32/lstm';
export {
  f32_gru_gates__scalar as f32_gru_gates,
  f32_gru_gates_backward__scalar as f32_gru_gates_backward,
} from './f32/gru';
export { f32_softmax_targets__scalar as f32_softmax_targets } from './f32/softmaxTargets';
export {
  f32_sigmoid_cross_entropy__scalar as f32_sigmoid_cross_entropy,
} from './f32/sigmoidCrossEntropy';
export {
  f32_squared_error__scalar as f32_squared_error,
  f32_absolute_error__scalar as f32_absolute_error,
  f32_huber__scalar as f32_huber,
} from './f32/regression';
export { f32_sgd__scalar as f32_sgd } from './f32/sgd';
export { f32_adam__scalar as f32_adam } from './f32/adam';
export { f32_rmsprop__scalar as f32_rmsprop } from './f32/rmsprop';
export { f32_average__scalar as f32_average } from './f32/average';
export { f32_sum_of_squares__scalar as f32_sum_of_squares } from './f32/sumOfSquares';
export { f32_min_max__scalar as f32_min_max } from './f32/minMax';
export { f32_count_nonfinite__scalar as f32_count_nonfinite } from './f32/countNonfinite';
export { f32_quantize_error__scalar as f32_quantize_error } from './fakequant/quantizeError';
export {
  f32_fakequant_backward__scalar as f32_fakequant_backward,
} from './fakequant/fakequantBackward';
export { f32_qc8w_quantize__scalar as f32_qc8w_quantize } from './fakequant/qc8wQuantize';
export {
  f32_qc8w_lsq_backward__scalar as f32_qc8w_lsq_backward,
} from './fakequant/qc8wLsqBackward';
export { f32_ewgs__scalar as f32_ewgs } from './fakequant/ewgs';
