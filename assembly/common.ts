/** The kernels of common ops (`src/graph/integer/commonOps.ts`): what a runtime holds until a bundle needs the rest of infer. */
export { qs8_pack_weights__simd128 as qs8_pack_weights } from './int8/packWeights';
export { qs8_conv2d__simd128 as qs8_conv2d } from './int8/conv2d';
export {
  qs8_gemv__simd128 as qs8_gemv,
} from './int8/gemv';
export {
  qs8_pack_winograd_weights__simd128 as qs8_pack_winograd_weights,
} from './int8/packWinograd';
export { qs8_winograd2d__simd128 as qs8_winograd2d } from './int8/winograd';
export {
  qs8_pack_dwconv_weights__scalar as qs8_pack_dwconv_weights,
} from './int8/packDepthwise';
export { qs8_dwconv2d__simd128 as qs8_dwconv2d } from './int8/dwconv2d';
export { qs8_vadd__simd128 as qs8_vadd } from './int8/vadd';
export { qs8_softmax__simd128 as qs8_softmax } from './int8/softmax';
export {
  qs8_maxpool2d__simd128 as qs8_maxpool2d,
  qs8_avgpool2d__simd128 as qs8_avgpool2d,
} from './int8/pool';
export { qs8_vclamp__simd128 as qs8_vclamp } from './int8/vclamp';
export {
  f32_qs8_vquantize__simd128 as f32_qs8_vquantize,
  qs8_f32_vdequantize__simd128 as qs8_f32_vdequantize,
} from './int8/vquantize';
export { u8_lut__scalar as u8_lut, x8_xor__simd128 as x8_xor } from './int8/lut';
