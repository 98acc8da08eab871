import type { F32Rule, QatRescaleRule, QatRule } from '../core/op.ts';
import type { Node, ValueId } from '../graph/graph.ts';
import { addF32, addQat } from '../ops/add.ts';
import { argMaxF32 } from '../ops/argMax.ts';
import { attentionSoftmaxF32, attentionSoftmaxQat } from '../ops/attentionSoftmax.ts';
import { averagePool2dF32, averagePool2dQat } from '../ops/averagePool2d.ts';
import { batchNormalizationF32 } from '../ops/batchNormalization.ts';
import { concatF32, concatQat } from '../ops/concat.ts';
import { conv2dF32, conv2dQat } from '../ops/conv2d.ts';
import { denseF32, denseQat } from '../ops/dense.ts';
import {
  depthToSpaceF32,
  depthToSpaceQat,
  spaceToDepthF32,
  spaceToDepthQat,
} from '../ops/depthToSpace.ts';
import { depthwiseConv2dF32, depthwiseConv2dQat } from '../ops/depthwiseConv2d.ts';
import { dropoutF32 } from '../ops/dropout.ts';
import { embeddingF32, embeddingQat } from '../ops/embedding.ts';
import { maximumF32, maximumQat, minimumF32, minimumQat } from '../ops/extremes.ts';
import { flattenF32, flattenQat } from '../ops/flatten.ts';
import { gatherF32, gatherQat } from '../ops/gather.ts';
import { globalAveragePool2dF32, globalAveragePool2dQat } from '../ops/globalAveragePool2d.ts';
import { gruF32, gruQat } from '../ops/gru.ts';
import { l2NormalizeF32, l2NormalizeQat } from '../ops/l2Normalize.ts';
import { layerNormalizationF32, layerNormalizationQat } from '../ops/layerNormalization.ts';
import { lookupF32 } from '../ops/lookup.ts';
import { lstmF32, lstmQat } from '../ops/lstm.ts';
import { matmulF32, matmulQat } from '../ops/matmul.ts';
import { maxPool2dF32, maxPool2dQat } from '../ops/maxPool2d.ts';
import { meanF32, meanQat } from '../ops/mean.ts';
import { multiplyF32, multiplyQat } from '../ops/multiply.ts';
import { padF32, padQat } from '../ops/pad.ts';
import { preluF32, preluQat } from '../ops/prelu.ts';
import { identityF32 } from '../ops/quantize.ts';
import { relu6F32, relu6Qat, reluF32, reluQat } from '../ops/relu.ts';
import { reshapeF32, reshapeQat } from '../ops/reshape.ts';
import { resizeF32, resizeQat } from '../ops/resize.ts';
import { sliceF32, sliceQat } from '../ops/slice.ts';
import { softmaxF32, softmaxQat } from '../ops/softmax.ts';
import {
  batchToSpaceF32,
  batchToSpaceQat,
  spaceToBatchF32,
  spaceToBatchQat,
} from '../ops/spaceToBatch.ts';
import { subtractF32, subtractQat } from '../ops/subtract.ts';
import type { OpName } from '../ops/table.ts';
import { transposeF32, transposeQat } from '../ops/transpose.ts';
import { transposedConv2dF32, transposedConv2dQat } from '../ops/transposedConv2d.ts';
import { unaryF32, unaryQat } from '../ops/unary.ts';

/** How each op trains in float. */
export const f32Rules = {
  ...unaryF32,
  add: addF32,
  argMax: argMaxF32,
  attentionSoftmax: attentionSoftmaxF32,
  averagePool2d: averagePool2dF32,
  batchNormalization: batchNormalizationF32,
  batchToSpace: batchToSpaceF32,
  concat: concatF32,
  conv2d: conv2dF32,
  dense: denseF32,
  depthToSpace: depthToSpaceF32,
  depthwiseConv2d: depthwiseConv2dF32,
  dequantize: identityF32,
  dropout: dropoutF32,
  embedding: embeddingF32,
  flatten: flattenF32,
  gather: gatherF32,
  globalAveragePool2d: globalAveragePool2dF32,
  gru: gruF32,
  l2Normalize: l2NormalizeF32,
  layerNormalization: layerNormalizationF32,
  lookup: lookupF32,
  lstm: lstmF32,
  matmul: matmulF32,
  maxPool2d: maxPool2dF32,
  maximum: maximumF32,
  mean: meanF32,
  minimum: minimumF32,
  multiply: multiplyF32,
  pad: padF32,
  prelu: preluF32,
  quantize: identityF32,
  relu6: relu6F32,
  relu: reluF32,
  reshape: reshapeF32,
  resize: resizeF32,
  slice: sliceF32,
  softmax: softmaxF32,
  spaceToBatch: spaceToBatchF32,
  spaceToDepth: spaceToDepthF32,
  subtract: subtractF32,
  transpose: transposeF32,
  transposedConv2d: transposedConv2dF32,
} satisfies Record<OpName, F32Rule<never>>;

/**
 * How each op trains on integers. Batch normalization is null: it is part of the op before it, or an affine map of its
 * own in evaluation, and trains in float. So are ops that among integers only imported models have.
 */
export const qatRules = {
  ...unaryQat,
  add: addQat,
  argMax: null,
  attentionSoftmax: attentionSoftmaxQat,
  averagePool2d: averagePool2dQat,
  batchNormalization: null,
  batchToSpace: batchToSpaceQat,
  concat: concatQat,
  conv2d: conv2dQat,
  dense: denseQat,
  depthToSpace: depthToSpaceQat,
  depthwiseConv2d: depthwiseConv2dQat,
  dequantize: null,
  dropout: null,
  embedding: embeddingQat,
  flatten: flattenQat,
  gather: gatherQat,
  globalAveragePool2d: globalAveragePool2dQat,
  gru: gruQat,
  l2Normalize: l2NormalizeQat,
  layerNormalization: layerNormalizationQat,
  lookup: null,
  lstm: lstmQat,
  matmul: matmulQat,
  maxPool2d: maxPool2dQat,
  maximum: maximumQat,
  mean: meanQat,
  minimum: minimumQat,
  multiply: multiplyQat,
  pad: padQat,
  prelu: preluQat,
  quantize: null,
  relu6: relu6Qat,
  relu: reluQat,
  reshape: reshapeQat,
  resize: resizeQat,
  slice: sliceQat,
  softmax: softmaxQat,
  spaceToBatch: spaceToBatchQat,
  spaceToDepth: spaceToDepthQat,
  subtract: subtractQat,
  transpose: transposeQat,
  transposedConv2d: transposedConv2dQat,
} satisfies Record<OpName, QatRule<never> | null>;

/** How an op trains in float; every op does. */
export function f32Rule(op: OpName): F32Rule<never> {
  return f32Rules[op];
}

/** How an op trains quantized; null where no integer forward of its own exists. */
export function qatRule(op: OpName): QatRule<never> | null {
  return qatRules[op];
}

/** The inputs of an op that rescales: those that are integers, and the parameters that stay real. */
export function splitOperands(
  { inputs }: Node,
  { operands }: QatRescaleRule<never>,
): [ValueId[], ValueId[]] {
  const count = operands ?? inputs.length;
  return [inputs.slice(0, count), inputs.slice(count)];
}
