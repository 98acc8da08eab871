import type { IntForm } from '../core/form.ts';
import { addForm } from '../ops/add.ts';
import { argMaxForm } from '../ops/argMax.ts';
import { averagePool2dForm } from '../ops/averagePool2d.ts';
import { concatForm } from '../ops/concat.ts';
import { conv2dForm } from '../ops/conv2d.ts';
import { denseForm } from '../ops/dense.ts';
import { depthSpaceForm } from '../ops/depthToSpace.ts';
import { depthwiseConv2dForm } from '../ops/depthwiseConv2d.ts';
import { extremeForm } from '../ops/extremes.ts';
import { flattenForm } from '../ops/flatten.ts';
import { gatherForm } from '../ops/gather.ts';
import { globalAveragePool2dForm } from '../ops/globalAveragePool2d.ts';
import { l2NormalizeForm } from '../ops/l2Normalize.ts';
import { lookupForm } from '../ops/lookup.ts';
import { maxPool2dForm } from '../ops/maxPool2d.ts';
import { meanForm } from '../ops/mean.ts';
import { multiplyForm } from '../ops/multiply.ts';
import { padForm } from '../ops/pad.ts';
import { preluForm } from '../ops/prelu.ts';
import { dequantizeForm, quantizeForm } from '../ops/quantize.ts';
import { clampForm } from '../ops/relu.ts';
import { reshapeForm } from '../ops/reshape.ts';
import { resizeForm } from '../ops/resize.ts';
import { sliceForm } from '../ops/slice.ts';
import { softmaxForm } from '../ops/softmax.ts';
import { batchToSpaceForm, spaceToBatchForm } from '../ops/spaceToBatch.ts';
import { subtractForm } from '../ops/subtract.ts';
import type { OpName } from '../ops/table.ts';
import { transposeForm } from '../ops/transpose.ts';
import { transposedConv2dForm } from '../ops/transposedConv2d.ts';
import type { UnaryOpName } from '../ops/unary.ts';

/** Ops that exist in float graphs only: batch normalization is folded, functions of one real become `lookup`. */
export type FloatOpName = 'batchNormalization' | UnaryOpName;
export type IntOpName = Exclude<OpName, FloatOpName>;

/** What the integer nodes of each op must look like. */
const forms = {
  add: addForm,
  argMax: argMaxForm,
  averagePool2d: averagePool2dForm,
  batchToSpace: batchToSpaceForm,
  concat: concatForm,
  conv2d: conv2dForm,
  dense: denseForm,
  depthToSpace: depthSpaceForm,
  depthwiseConv2d: depthwiseConv2dForm,
  dequantize: dequantizeForm,
  flatten: flattenForm,
  gather: gatherForm,
  globalAveragePool2d: globalAveragePool2dForm,
  l2Normalize: l2NormalizeForm,
  lookup: lookupForm,
  maxPool2d: maxPool2dForm,
  maximum: extremeForm,
  mean: meanForm,
  minimum: extremeForm,
  multiply: multiplyForm,
  pad: padForm,
  prelu: preluForm,
  quantize: quantizeForm,
  relu6: clampForm,
  relu: clampForm,
  reshape: reshapeForm,
  resize: resizeForm,
  slice: sliceForm,
  softmax: softmaxForm,
  spaceToBatch: spaceToBatchForm,
  spaceToDepth: depthSpaceForm,
  subtract: subtractForm,
  transpose: transposeForm,
  transposedConv2d: transposedConv2dForm,
} as const satisfies Record<IntOpName, IntForm<never>>;

/** Undefined where the op has no integer form. */
export function formOf(op: OpName): IntForm | undefined {
  return Object.hasOwn(forms, op) ? (forms[op as IntOpName] as IntForm) : undefined;
}

/** How many of a checked node's inputs are activations: they come before the constants. */
export function activationCount(node: {
  readonly op: OpName;
  readonly inputs: readonly number[];
}): number {
  const { activations } = formOf(node.op)!;
  return activations === 'many' ? node.inputs.length : activations;
}
