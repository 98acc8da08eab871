import type { IntForm } from '../core/form.ts';
import { addForm } from '../ops/add.ts';
import { averagePool2dForm } from '../ops/averagePool2d.ts';
import { concatForm } from '../ops/concat.ts';
import { conv2dForm } from '../ops/conv2d.ts';
import { denseForm } from '../ops/dense.ts';
import { depthSpaceForm } from '../ops/depthToSpace.ts';
import { depthwiseConv2dForm } from '../ops/depthwiseConv2d.ts';
import { flattenForm } from '../ops/flatten.ts';
import { gatherForm } from '../ops/gather.ts';
import { globalAveragePool2dForm } from '../ops/globalAveragePool2d.ts';
import { maxPool2dForm } from '../ops/maxPool2d.ts';
import { padForm } from '../ops/pad.ts';
import { clampForm } from '../ops/relu.ts';
import { reshapeForm } from '../ops/reshape.ts';
import { resizeForm } from '../ops/resize.ts';
import { sliceForm } from '../ops/slice.ts';
import { batchToSpaceForm, spaceToBatchForm } from '../ops/spaceToBatch.ts';
import type { OpName } from '../ops/table.ts';
import { transposeForm } from '../ops/transpose.ts';
import { transposedConv2dForm } from '../ops/transposedConv2d.ts';

/** Ops that exist in float graphs only: batch normalization is folded. */
export type FloatOpName = 'batchNormalization';
export type IntOpName = Exclude<OpName, FloatOpName>;

/** What the integer nodes of each op must look like. */
const forms = {
  add: addForm,
  averagePool2d: averagePool2dForm,
  batchToSpace: batchToSpaceForm,
  concat: concatForm,
  conv2d: conv2dForm,
  dense: denseForm,
  depthToSpace: depthSpaceForm,
  depthwiseConv2d: depthwiseConv2dForm,
  flatten: flattenForm,
  gather: gatherForm,
  globalAveragePool2d: globalAveragePool2dForm,
  maxPool2d: maxPool2dForm,
  pad: padForm,
  relu: clampForm,
  relu6: clampForm,
  reshape: reshapeForm,
  resize: resizeForm,
  slice: sliceForm,
  spaceToBatch: spaceToBatchForm,
  spaceToDepth: depthSpaceForm,
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
