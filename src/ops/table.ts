import type { OpDef } from '../core/op.ts';
import { add } from './add.ts';
import { argMax } from './argMax.ts';
import { attentionSoftmax } from './attentionSoftmax.ts';
import { averagePool2d } from './averagePool2d.ts';
import { batchNormalization } from './batchNormalization.ts';
import { concat } from './concat.ts';
import { conv2d } from './conv2d.ts';
import { dense } from './dense.ts';
import { depthToSpace, spaceToDepth } from './depthToSpace.ts';
import { depthwiseConv2d } from './depthwiseConv2d.ts';
import { dropout } from './dropout.ts';
import { embedding } from './embedding.ts';
import { maximum, minimum } from './extremes.ts';
import { flatten } from './flatten.ts';
import { gather } from './gather.ts';
import { globalAveragePool2d } from './globalAveragePool2d.ts';
import { gru } from './gru.ts';
import { l2Normalize } from './l2Normalize.ts';
import { layerNormalization } from './layerNormalization.ts';
import { lookup } from './lookup.ts';
import { lstm } from './lstm.ts';
import { matmul } from './matmul.ts';
import { maxPool2d } from './maxPool2d.ts';
import { mean } from './mean.ts';
import { multiply } from './multiply.ts';
import { pad } from './pad.ts';
import { prelu } from './prelu.ts';
import { dequantize, quantize } from './quantize.ts';
import { relu, relu6 } from './relu.ts';
import { reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { batchToSpace, spaceToBatch } from './spaceToBatch.ts';
import { subtract } from './subtract.ts';
import { transpose } from './transpose.ts';
import { transposedConv2d } from './transposedConv2d.ts';
import { unaryOps } from './unary.ts';

/** Every op. A new one makes the compiler list each rule table that still lacks it. */
export const ops = {
  ...unaryOps,
  add,
  argMax,
  attentionSoftmax,
  averagePool2d,
  batchNormalization,
  batchToSpace,
  concat,
  conv2d,
  dense,
  depthToSpace,
  depthwiseConv2d,
  dequantize,
  dropout,
  embedding,
  flatten,
  gather,
  globalAveragePool2d,
  gru,
  l2Normalize,
  layerNormalization,
  lookup,
  lstm,
  matmul,
  maxPool2d,
  maximum,
  mean,
  minimum,
  multiply,
  pad,
  prelu,
  quantize,
  relu,
  relu6,
  reshape,
  resize,
  slice,
  softmax,
  spaceToBatch,
  spaceToDepth,
  subtract,
  transpose,
  transposedConv2d,
} as const satisfies Record<string, OpDef<never>>;

export type OpName = keyof typeof ops;
