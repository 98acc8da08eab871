import { kindOf, rangeError, typeError } from '../core/errors.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Plan } from './plan.ts';

/** Integers of the model, reals, or pixels. */
export type InputData = Int8Array | Float32Array | Uint8Array | Uint8ClampedArray;

/** Copies one input's data to where the first step reads it, converted to integers. */
export type InputWriter = (data: InputData) => void;

/** The writer of input number `i`, which the caller knows as `name`. It allocates nothing. */
export function inputWriter(plan: Plan, i: number, name: string): InputWriter {
  const { shape, size, ptr } = plan.activations.get(plan.graph.inputs[i] as ValueId)!;
  const { staging, fromFloats, fromPixels } = plan.conversions[i]!;
  const { buffer } = plan.memory;
  const integers = new Int8Array(buffer, ptr, size);
  const floats = new Float32Array(buffer, staging, size);
  const pixels = new Uint8Array(buffer, staging, size);
  const check = ({ length }: InputData) => {
    if (length === size) return;
    throw rangeError('run', `input "${name}" expects ${size} values ([${shape}])`, length);
  };
  return (data) => {
    if (data instanceof Int8Array) {
      check(data);
      integers.set(data);
    } else if (data instanceof Float32Array) {
      check(data);
      floats.set(data);
      fromFloats();
    } else if (fromPixels && isPixels(data)) {
      check(data);
      pixels.set(data);
      fromPixels();
    } else {
      const kinds = fromPixels
        ? 'Int8Array, Float32Array or Uint8Array'
        : 'Int8Array or Float32Array';
      throw typeError('run', `input "${name}" expects ${kinds}`, kindOf(data));
    }
  };
}

function isPixels(data: unknown): data is Uint8Array | Uint8ClampedArray {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}
