import type { IntRule } from '../core/op.ts';
import type { IntOpName } from '../graph/forms.ts';
import { addInt } from '../ops/add.ts';
import { averagePool2dInt } from '../ops/averagePool2d.ts';
import { concatInt } from '../ops/concat.ts';
import { conv2dInt } from '../ops/conv2d.ts';
import { denseInt } from '../ops/dense.ts';
import { depthToSpaceInt, spaceToDepthInt } from '../ops/depthToSpace.ts';
import { depthwiseConv2dInt } from '../ops/depthwiseConv2d.ts';
import { flattenInt } from '../ops/flatten.ts';
import { gatherInt } from '../ops/gather.ts';
import { globalAveragePool2dInt } from '../ops/globalAveragePool2d.ts';
import { maxPool2dInt } from '../ops/maxPool2d.ts';
import { padInt } from '../ops/pad.ts';
import { clampInt } from '../ops/relu.ts';
import { reshapeInt } from '../ops/reshape.ts';
import { resizeInt } from '../ops/resize.ts';
import { sliceInt } from '../ops/slice.ts';
import { batchToSpaceInt, spaceToBatchInt } from '../ops/spaceToBatch.ts';
import { transposeInt } from '../ops/transpose.ts';
import { transposedConv2dInt } from '../ops/transposedConv2d.ts';

/** How each op runs as integers. */
export const intRules = {
  add: addInt,
  averagePool2d: averagePool2dInt,
  batchToSpace: batchToSpaceInt,
  concat: concatInt,
  conv2d: conv2dInt,
  dense: denseInt,
  depthToSpace: depthToSpaceInt,
  depthwiseConv2d: depthwiseConv2dInt,
  flatten: flattenInt,
  gather: gatherInt,
  globalAveragePool2d: globalAveragePool2dInt,
  maxPool2d: maxPool2dInt,
  pad: padInt,
  relu: clampInt,
  relu6: clampInt,
  reshape: reshapeInt,
  resize: resizeInt,
  slice: sliceInt,
  spaceToBatch: spaceToBatchInt,
  spaceToDepth: spaceToDepthInt,
  transpose: transposeInt,
  transposedConv2d: transposedConv2dInt,
} as const satisfies Record<IntOpName, IntRule<never>>;
