import type { F32Rule, QatRule } from '../core/op.ts';
import { addF32, addQat } from '../ops/add.ts';
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
import { flattenF32, flattenQat } from '../ops/flatten.ts';
import { gatherF32 } from '../ops/gather.ts';
import { globalAveragePool2dF32, globalAveragePool2dQat } from '../ops/globalAveragePool2d.ts';
import { maxPool2dF32, maxPool2dQat } from '../ops/maxPool2d.ts';
import { padF32, padQat } from '../ops/pad.ts';
import { relu6F32, relu6Qat, reluF32, reluQat } from '../ops/relu.ts';
import { reshapeF32, reshapeQat } from '../ops/reshape.ts';
import { resizeF32, resizeQat } from '../ops/resize.ts';
import { sliceF32, sliceQat } from '../ops/slice.ts';
import {
  batchToSpaceF32,
  batchToSpaceQat,
  spaceToBatchF32,
  spaceToBatchQat,
} from '../ops/spaceToBatch.ts';
import type { OpName } from '../ops/table.ts';
import { transposeF32, transposeQat } from '../ops/transpose.ts';
import { transposedConv2dF32 } from '../ops/transposedConv2d.ts';

/** How each op trains in float. */
export const f32Rules = {
  add: addF32,
  averagePool2d: averagePool2dF32,
  batchNormalization: batchNormalizationF32,
  batchToSpace: batchToSpaceF32,
  concat: concatF32,
  conv2d: conv2dF32,
  dense: denseF32,
  depthToSpace: depthToSpaceF32,
  depthwiseConv2d: depthwiseConv2dF32,
  flatten: flattenF32,
  gather: gatherF32,
  globalAveragePool2d: globalAveragePool2dF32,
  maxPool2d: maxPool2dF32,
  pad: padF32,
  relu: reluF32,
  relu6: relu6F32,
  reshape: reshapeF32,
  resize: resizeF32,
  slice: sliceF32,
  spaceToBatch: spaceToBatchF32,
  spaceToDepth: spaceToDepthF32,
  transpose: transposeF32,
  transposedConv2d: transposedConv2dF32,
} satisfies Record<OpName, F32Rule<never>>;

/**
 * How each op trains on integers. Batch normalization is null: it is part of the op before it, or an affine map of its
 * own in evaluation, and trains in float.
 */
export const qatRules = {
  add: addQat,
  averagePool2d: averagePool2dQat,
  batchNormalization: null,
  batchToSpace: batchToSpaceQat,
  concat: concatQat,
  conv2d: conv2dQat,
  dense: denseQat,
  depthToSpace: depthToSpaceQat,
  depthwiseConv2d: depthwiseConv2dQat,
  flatten: flattenQat,
  gather: null,
  globalAveragePool2d: globalAveragePool2dQat,
  maxPool2d: maxPool2dQat,
  pad: padQat,
  relu: reluQat,
  relu6: relu6Qat,
  reshape: reshapeQat,
  resize: resizeQat,
  slice: sliceQat,
  spaceToBatch: spaceToBatchQat,
  spaceToDepth: spaceToDepthQat,
  transpose: transposeQat,
  transposedConv2d: null,
} satisfies Record<OpName, QatRule<never> | null>;

export function f32Rule(op: OpName): F32Rule<never> {
  return f32Rules[op];
}

export function qatRule(op: OpName): QatRule<never> | null {
  return qatRules[op];
}
