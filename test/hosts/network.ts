import { Rng } from '../../src/core/rng.ts';
import { type TensorSpec, tfliteFile } from '../helpers/tflite.ts';

const SAME = 0;
const RELU6 = 3;

/** A .tflite file of integers: a convolution of [1,9,8,3] with a scale for each channel, a relu6, and a maximum over windows. */
export function tfliteModel(): Uint8Array {
  const rng = new Rng(31);
  const integers = (n: number) => Array.from({ length: n }, () => rng.below(255) - 127);
  const activation = (shape: readonly number[], scale: number, zeroPoint: number): TensorSpec => ({
    ...{ shape, type: 'int8', scale, zeroPoint },
  });
  const scales = Array.from({ length: 8 }, (_, c) => (c + 3) / 2048);
  const places = { padding: SAME, strideWidth: 2, strideHeight: 2 };
  return tfliteFile({
    tensors: {
      x: activation([1, 9, 8, 3], 1 / 64, -3),
      w: { shape: [8, 3, 3, 3], type: 'int8', scale: scales, axis: 0, data: integers(216) },
      b: { shape: [8], type: 'int32', scale: scales.map((s) => s / 64), data: integers(8) },
      y: activation([1, 5, 4, 8], 6 / 255, -128),
      z: activation([1, 3, 2, 8], 6 / 255, -128),
    },
    operators: [
      {
        ...{ op: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['y'] },
        options: { ...places, dilationWidth: 1, dilationHeight: 1, activation: RELU6 },
      },
      {
        ...{ op: 'MAX_POOL_2D', inputs: ['y'], outputs: ['z'] },
        options: { ...places, filterWidth: 2, filterHeight: 2 },
      },
    ],
    inputs: ['x'],
    outputs: ['z'],
  });
}
