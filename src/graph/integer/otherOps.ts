import { add, addRepeatedForm, addRepeatedInt } from '../../ops/add.ts';
import { argMax, argMaxForm, argMaxInt } from '../../ops/argMax.ts';
import {
  attentionSoftmax,
  attentionSoftmaxForm,
  attentionSoftmaxInt,
} from '../../ops/attentionSoftmax.ts';
import { concat, concatForm, concatInt } from '../../ops/concat.ts';
import {
  depthSpaceForm,
  depthToSpace,
  depthToSpaceInt,
  spaceToDepth,
  spaceToDepthInt,
} from '../../ops/depthToSpace.ts';
import { embedding, embeddingForm, embeddingInt } from '../../ops/embedding.ts';
import { extremeForm, maximum, maximumInt, minimum, minimumInt } from '../../ops/extremes.ts';
import { gather, gatherForm, gatherInt } from '../../ops/gather.ts';
import { gru, gruForm, gruInt } from '../../ops/gru.ts';
import { l2Normalize, l2NormalizeForm, l2NormalizeInt } from '../../ops/l2Normalize.ts';
import {
  layerNormalization,
  layerNormalizationForm,
  layerNormalizationInt,
} from '../../ops/layerNormalization.ts';
import { lstm, lstmForm, lstmInt } from '../../ops/lstm.ts';
import { matmul, matmulForm, matmulInt } from '../../ops/matmul.ts';
import { mean, meanForm, meanInt } from '../../ops/mean.ts';
import { multiply, multiplyForm, multiplyInt } from '../../ops/multiply.ts';
import { pad, padForm, padInt } from '../../ops/pad.ts';
import { prelu, preluForm, preluInt } from '../../ops/prelu.ts';
import { resize, resizeForm, resizeInt } from '../../ops/resize.ts';
import { slice, sliceForm, sliceInt } from '../../ops/slice.ts';
import {
  batchToSpace,
  batchToSpaceForm,
  batchToSpaceInt,
  spaceToBatch,
  spaceToBatchForm,
  spaceToBatchInt,
} from '../../ops/spaceToBatch.ts';
import { subtract, subtractForm, subtractInt } from '../../ops/subtract.ts';
import type { OpName } from '../../ops/table.ts';
import { transpose, transposeForm, transposeInt } from '../../ops/transpose.ts';
import {
  transposedConv2d,
  transposedConv2dForm,
  transposedConv2dInt,
} from '../../ops/transposedConv2d.ts';
import type { UnaryOpName } from '../../ops/unary.ts';
import type { CommonOpName } from './commonOps.ts';
import { type IntegerOp, learn } from './ops.ts';

/** Ops that exist in float graphs only: batch normalization is folded, functions of one real become `lookup`. */
export type FloatOpName = 'batchNormalization' | 'dropout' | UnaryOpName;
export type IntOpName = Exclude<OpName, FloatOpName>;

/**
 * The other ops, and the general form of `add`: a chunk of its own that a runtime loads when a bundle has one of them.
 */
export const otherOps = {
  add: { definition: add, form: addRepeatedForm, rule: addRepeatedInt },
  concat: { definition: concat, form: concatForm, rule: concatInt },
  pad: { definition: pad, form: padForm, rule: padInt },
  argMax: { definition: argMax, form: argMaxForm, rule: argMaxInt },
  attentionSoftmax: {
    definition: attentionSoftmax,
    form: attentionSoftmaxForm,
    rule: attentionSoftmaxInt,
  },
  batchToSpace: { definition: batchToSpace, form: batchToSpaceForm, rule: batchToSpaceInt },
  depthToSpace: { definition: depthToSpace, form: depthSpaceForm, rule: depthToSpaceInt },
  embedding: { definition: embedding, form: embeddingForm, rule: embeddingInt },
  gather: { definition: gather, form: gatherForm, rule: gatherInt },
  gru: { definition: gru, form: gruForm, rule: gruInt },
  l2Normalize: { definition: l2Normalize, form: l2NormalizeForm, rule: l2NormalizeInt },
  layerNormalization: {
    definition: layerNormalization,
    form: layerNormalizationForm,
    rule: layerNormalizationInt,
  },
  lstm: { definition: lstm, form: lstmForm, rule: lstmInt },
  matmul: { definition: matmul, form: matmulForm, rule: matmulInt },
  maximum: { definition: maximum, form: extremeForm, rule: maximumInt },
  mean: { definition: mean, form: meanForm, rule: meanInt },
  minimum: { definition: minimum, form: extremeForm, rule: minimumInt },
  multiply: { definition: multiply, form: multiplyForm, rule: multiplyInt },
  prelu: { definition: prelu, form: preluForm, rule: preluInt },
  resize: { definition: resize, form: resizeForm, rule: resizeInt },
  slice: { definition: slice, form: sliceForm, rule: sliceInt },
  spaceToBatch: { definition: spaceToBatch, form: spaceToBatchForm, rule: spaceToBatchInt },
  spaceToDepth: { definition: spaceToDepth, form: depthSpaceForm, rule: spaceToDepthInt },
  subtract: { definition: subtract, form: subtractForm, rule: subtractInt },
  transpose: { definition: transpose, form: transposeForm, rule: transposeInt },
  transposedConv2d: {
    definition: transposedConv2d,
    form: transposedConv2dForm,
    rule: transposedConv2dInt,
  },
} as const satisfies Record<Exclude<IntOpName, CommonOpName> | 'add', IntegerOp>;

/** For whoever makes bundles: makes the other ops known. */
export function learnAllOps(): void {
  learn(otherOps);
}
