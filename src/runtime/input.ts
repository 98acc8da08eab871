import { arrayOf, type DType } from '../core/dtype.ts';
import { kindOf, rangeError, typeError } from '../core/errors.ts';
import { applyTable } from '../core/preprocess.ts';
import type { ValueId } from '../graph/graph.ts';
import { bind, type Call, type Step } from '../wasm/step.ts';
import type { Plan } from './plan.ts';

/** The model's own type, reals, or pixels. */
export type InputData = Int8Array | Float32Array | Uint8Array | Uint8ClampedArray | Int32Array;

/** Copies one input's data to where the first step reads it, converted to its type. */
export type InputWriter = (data: InputData) => void;

/** The writer of input number `i`, which the caller knows as `name`. It allocates nothing. */
export function inputWriter(plan: Plan, i: number, name: string): InputWriter {
  const { shape, size, dtype, ptr } = plan.activations.get(plan.graph.inputs[i] as ValueId)!;
  const { staging, pixelTable, ...steps } = plan.conversions[i]!;
  const { buffer } = plan.memory;
  const own = new arrayOf[dtype](buffer, ptr, size) as InputData;
  const Own = arrayOf[dtype];
  const floats = new Float32Array(buffer, staging, size);
  const pixels = new Uint8Array(buffer, staging, size);
  const fromFloats = bound(plan, steps.fromFloats);
  const fromPixels = bound(plan, steps.fromPixels);
  const flip = dtype === 'u8' ? (own as Uint8Array) : undefined;
  return (data) => {
    const pixelsGiven = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
    const known =
      data instanceof Own ||
      (pixelsGiven && (fromPixels || pixelTable || dtype === 'u8')) ||
      (data instanceof Float32Array && fromFloats);
    if (!known) {
      const kinds = kindsOf(dtype, Boolean(fromPixels ?? pixelTable));
      throw typeError('run', `input "${name}" expects ${kinds}`, kindOf(data));
    }
    if (data.length !== size) {
      throw rangeError('run', `input "${name}" expects ${size} values ([${shape}])`, data.length);
    }
    if (pixelsGiven && fromPixels) {
      pixels.set(data);
      fromPixels();
    } else if (pixelsGiven && pixelTable) {
      applyTable(data, pixelTable, own as Float32Array);
    } else if (data instanceof Float32Array && fromFloats) {
      floats.set(data);
      fromFloats();
      if (flip) for (let j = 0; j < size; j++) flip[j]! ^= 0x80;
    } else {
      own.set(data);
    }
  };
}

function bound({ kernels }: Plan, step: Step | undefined): Call | undefined {
  return step && bind(kernels, step.kernel, step.parts[0]!);
}

function kindsOf(dtype: DType, pixels: boolean): string {
  const kinds = [arrayOf[dtype].name];
  if (dtype === 'i8' || dtype === 'u8') kinds.push('Float32Array');
  if (pixels && dtype !== 'u8') kinds.push('Uint8Array');
  const last = kinds.pop();
  return kinds.length > 0 ? `${kinds.join(', ')} or ${last}` : last!;
}
