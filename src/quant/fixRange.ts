import { checkNumber, checkOptions, rangeError, typeError } from '../core/errors.ts';
import type { ValueId } from '../graph/graph.ts';
import { QuantizedModel } from './quantizeModel.ts';
import { boundedQuantizer } from './quantizerSpecs.ts';

export interface InputOutputRange {
  /** Reals of the model's input; both or none. inputMin ≤ 0 ≤ inputMax. */
  readonly inputMin?: number;
  readonly inputMax?: number;
  /** Of its output. */
  readonly outputMin?: number;
  readonly outputMax?: number;
}

/**
 * Sets the ranges of a quantized model's input and output for good: they are neither observed nor learned any more. With uint8 images that become
 * reals in [0, 1], `{ inputMin: 0, inputMax: 1 }` gives every pixel value its own integer. Throws a RangeError for one bound without the
 * other, or a range without 0.
 */
export function fixInputOutputRange(model: QuantizedModel, range: InputOutputRange): void {
  const where = 'fixInputOutputRange';
  checkModel(where, model);
  checkOptions(where, range, ['inputMin', 'inputMax', 'outputMin', 'outputMax']);
  const { inputMin, inputMax, outputMin, outputMax } = range;
  const [input] = model.graph.inputs as readonly [ValueId];
  const [output] = model.graph.outputs as readonly [ValueId];
  fix(where, model, input, 'input', inputMin, inputMax);
  fix(where, model, output, 'output', outputMin, outputMax);
}

/** Gives the input the range back that data have or will have. Without `fixInputOutputRange` before it nothing changes. */
export function removeInputRange(model: QuantizedModel): void {
  checkModel('removeInputRange', model);
  model.release(model.graph.inputs[0]!);
}

function checkModel(where: string, model: unknown): asserts model is QuantizedModel {
  if (model instanceof QuantizedModel) return;
  throw typeError(where, 'a quantized model is expected', typeof model);
}

function fix(
  where: string,
  model: QuantizedModel,
  id: ValueId,
  what: 'input' | 'output',
  min: number | undefined,
  max: number | undefined,
): void {
  if (min === undefined && max === undefined) return;
  checkNumber(where, `${what}Min`, min as number, Number.NEGATIVE_INFINITY, 0);
  checkNumber(where, `${what}Max`, max as number, 0);
  if (min === max) throw rangeError(where, `${what}Min must be less than ${what}Max`, `${min}`);
  const spec = model.graph.quantizers.get(id);
  if (!spec) throw rangeError(where, `an ${what} with a range of its own`, 'that of other values');
  const shared = [...model.graph.quantizers].some(([other, { scale }]) => {
    return other !== id && scale === spec.scale;
  });
  if (shared)
    throw rangeError(where, `an ${what} with a range of its own`, 'one that a concat shares');
  model.fix(id, boundedQuantizer(spec.name, { min: min!, max: max! }, spec));
}
