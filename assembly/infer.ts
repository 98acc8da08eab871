/** The integer kernels: all that inference needs. `src/core/kernels.ts` is the header. */
export * from './common';
export { qs8_vmul__simd128 as qs8_vmul } from './int8/vmul';
export { qs8_vminmax__simd128 as qs8_vminmax } from './int8/vminmax';
export { qs8_prelu__simd128 as qs8_prelu } from './int8/prelu';
export { qs8_mean__simd128 as qs8_mean } from './int8/mean';
export { qs8_l2norm__simd128 as qs8_l2norm } from './int8/l2norm';
export { qs8_layernorm__simd128 as qs8_layernorm } from './int8/layernorm';
export { qs8_matmul__simd128 as qs8_matmul } from './int8/matmul';
export { qs8_causal_softmax__simd128 as qs8_causal_softmax } from './int8/causalSoftmax';
export { qs8_argmax__simd128 as qs8_argmax } from './int8/argmax';
export { qs8_f32_conv2d__simd128 as qs8_f32_conv2d } from './int8/conv2d';
export { f32_qs8_lstm_gates__simd128 as f32_qs8_lstm_gates } from './int8/lstm';
export { f32_qs8_gru_gates__simd128 as f32_qs8_gru_gates } from './int8/gru';
export { x8_embedding__scalar as x8_embedding } from './int8/embedding';
export { x8_copy__simd128 as x8_copy } from './int8/copy';
export { x8_gather__simd128 as x8_gather } from './int8/gather';
export { qs8_resize_bilinear__simd128 as qs8_resize_bilinear } from './int8/resize';
