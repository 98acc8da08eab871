/** What can be said of a model before its ops are mapped: constants that it computes, and ops that nothing needs. */

import type { TfliteModel, TfliteOperator, TfliteTensor } from './model.ts';

/** Ops whose output has the bytes of input 0. */
const SAME_BYTES = ['DEQUANTIZE', 'RESHAPE', 'EXPAND_DIMS', 'SQUEEZE'];

/** Shapes that the file states again as the shape of the output: ops need not compute them. */
const SHAPE_INPUTS: Readonly<Record<string, number>> = {
  RESHAPE: 1,
  RESIZE_BILINEAR: 1,
  RESIZE_NEAREST_NEIGHBOR: 1,
  TRANSPOSE_CONV: 0,
};

/** Indices of the tensors whose values an operator needs. */
export function neededInputs({ name, inputs }: TfliteOperator): number[] {
  return inputs.filter((index, i) => index >= 0 && i !== SHAPE_INPUTS[name]);
}

/**
 * The model with DEQUANTIZE and changes of shape of constants done, so that float16 weights and the like are constants
 * of their consumers.
 */
export function foldConstants(model: TfliteModel): TfliteModel {
  const tensors = [...model.tensors];
  for (const { name, custom, inputs, outputs } of model.operators) {
    const source = tensors[inputs[0] ?? -1];
    const target = tensors[outputs[0] ?? -1];
    if (custom || !SAME_BYTES.includes(name) || !source?.data || !target) continue;
    if (sizeOf(source) !== sizeOf(target) || source.sparse) continue;
    // Scales per channel stay with their axis, which another shape may not have.
    const perChannel = (source.quantization?.scale.length ?? 0) > 1;
    if (perChannel && name !== 'DEQUANTIZE') continue;
    tensors[target.index] = { ...source, ...identityOf(target) };
  }
  return { ...model, tensors };
}

function sizeOf({ shape }: TfliteTensor): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function identityOf({ index, name, shape }: TfliteTensor) {
  return { index, name, shape };
}

/** The operators that the outputs need, in order. */
export function liveOperators({ tensors, operators, outputs }: TfliteModel): TfliteOperator[] {
  const needed = new Set(outputs);
  const live: TfliteOperator[] = [];
  for (const operator of operators.toReversed()) {
    if (!operator.outputs.some((index) => needed.has(index) && !tensors[index]!.data)) continue;
    live.push(operator);
    for (const index of neededInputs(operator)) needed.add(index);
  }
  return live.reverse();
}
