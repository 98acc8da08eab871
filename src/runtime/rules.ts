import type { IntRule } from '../core/op.ts';
import type { IntOpName } from '../graph/forms.ts';
import { addInt } from '../ops/add.ts';
import { argMaxInt } from '../ops/argMax.ts';
import { averagePool2dInt } from '../ops/averagePool2d.ts';
import { concatInt } from '../ops/concat.ts';
import { conv2dInt } from '../ops/conv2d.ts';
import { denseInt } from '../ops/dense.ts';
import { depthToSpaceInt, spaceToDepthInt } from '../ops/depthToSpace.ts';
import { depthwiseConv2dInt } from '../ops/depthwiseConv2d.ts';
import { maximumInt, minimumInt } from '../ops/extremes.ts';
import { flattenInt } from '../ops/flatten.ts';
import { gatherInt } from '../ops/gather.ts';
import { globalAveragePool2dInt } from '../ops/globalAveragePool2d.ts';
import { l2NormalizeInt } from '../ops/l2Normalize.ts';
import { lookupInt } from '../ops/lookup.ts';
import { maxPool2dInt } from '../ops/maxPool2d.ts';
import { meanInt } from '../ops/mean.ts';
import { multiplyInt } from '../ops/multiply.ts';
import { padInt } from '../ops/pad.ts';
import { preluInt } from '../ops/prelu.ts';
import { dequantizeInt, quantizeInt } from '../ops/quantize.ts';
import { clampInt } from '../ops/relu.ts';
import { reshapeInt } from '../ops/reshape.ts';
import { resizeInt } from '../ops/resize.ts';
import { sliceInt } from '../ops/slice.ts';
import { softmaxInt } from '../ops/softmax.ts';
import { batchToSpaceInt, spaceToBatchInt } from '../ops/spaceToBatch.ts';
import { subtractInt } from '../ops/subtract.ts';
import { transposeInt } from '../ops/transpose.ts';
import { transposedConv2dInt } from '../ops/transposedConv2d.ts';

/** How each op runs as integers. */
export const intRules = {
  add: addInt,
  argMax: argMaxInt,
  averagePool2d: averagePool2dInt,
  batchToSpace: batchToSpaceInt,
  concat: concatInt,
  conv2d: conv2dInt,
  dense: denseInt,
  depthToSpace: depthToSpaceInt,
  depthwiseConv2d: depthwiseConv2dInt,
  dequantize: dequantizeInt,
  flatten: flattenInt,
  gather: gatherInt,
  globalAveragePool2d: globalAveragePool2dInt,
  l2Normalize: l2NormalizeInt,
  lookup: lookupInt,
  maxPool2d: maxPool2dInt,
  maximum: maximumInt,
  mean: meanInt,
  minimum: minimumInt,
  multiply: multiplyInt,
  pad: padInt,
  prelu: preluInt,
  quantize: quantizeInt,
  relu6: clampInt,
  relu: clampInt,
  reshape: reshapeInt,
  resize: resizeInt,
  slice: sliceInt,
  softmax: softmaxInt,
  spaceToBatch: spaceToBatchInt,
  spaceToDepth: spaceToDepthInt,
  subtract: subtractInt,
  transpose: transposeInt,
  transposedConv2d: transposedConv2dInt,
} as const satisfies Record<IntOpName, IntRule<never>>;
