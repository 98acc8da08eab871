/** A model of integers as one of floats: what is computed has no scales any more, constants are read by theirs. */

import { type Preprocessing, rawPixels } from '../../core/preprocess.ts';
import type { TfliteModel, TfliteTensor } from './model.ts';

/**
 * The same network with float32 activations. Weights and biases stay as they are in the file, as in a model that quantizes its weights
 * alone: real = scale · (q − zeroPoint). QUANTIZE and DEQUANTIZE are left out.
 */
export function dequantizeModel(model: TfliteModel): TfliteModel {
  const tensors = model.tensors.map(floatActivation);
  const sources = new Map<number, number>();
  const source = (index: number) => sources.get(index) ?? index;
  const operators = model.operators.flatMap((operator) => {
    const inputs = operator.inputs.map(source);
    const [from, to] = [tensors[inputs[0] ?? -1], tensors[operator.outputs[0] ?? -1]];
    const edge = ['QUANTIZE', 'DEQUANTIZE'].includes(operator.name) && !operator.custom;
    if (!edge || from?.type !== 'float32' || to?.type !== 'float32')
      return [{ ...operator, inputs }];
    sources.set(to.index, from.index);
    return [];
  });
  return { ...model, tensors, operators, outputs: model.outputs.map(source) };
}

function isQuantized({ type, quantization }: TfliteTensor): boolean {
  const integers = type === 'int8' || type === 'uint8' || type === 'int16';
  return integers && quantization !== undefined;
}

function floatActivation(tensor: TfliteTensor): TfliteTensor {
  if (tensor.data || !isQuantized(tensor)) return tensor;
  const { quantization: _, ...plain } = tensor;
  return { ...plain, type: 'float32' };
}

/** How bytes become the reals that a uint8 image stood for; nothing for a model that takes anything else. */
export function pixelsOf({ tensors, inputs }: TfliteModel): Preprocessing | undefined {
  const [input] = inputs.map((index) => tensors[index]!);
  const { scale = [], zeroPoint = [] } = input?.quantization ?? {};
  const image = input?.type === 'uint8' && input.shape.length === 4 && input.shape[3]! <= 4;
  if (!image || scale.length !== 1 || !(scale[0]! > 0)) return undefined;
  return rawPixels({ scale, zeroPoint: zeroPoint[0] ?? 0, qmin: 0, qmax: 255 });
}
