/** The bytes of a constant tensor as numbers. */

import type { TfliteTensor } from './model.ts';
import { refuse } from './refusal.ts';

function view({ byteOffset, buffer, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

type Reader = (data: DataView, at: number) => number;

const NUMBERS: Partial<Record<TfliteTensor['type'], { bytes: number; read: Reader }>> = {
  float32: { bytes: 4, read: (data, at) => data.getFloat32(at, true) },
  float64: { bytes: 8, read: (data, at) => data.getFloat64(at, true) },
  float16: { bytes: 2, read: (data, at) => halfFloat(data.getUint16(at, true)) },
  bfloat16: { bytes: 2, read: (data, at) => upperHalf(data.getUint16(at, true)) },
  int64: { bytes: 8, read: (data, at) => Number(data.getBigInt64(at, true)) },
  int32: { bytes: 4, read: (data, at) => data.getInt32(at, true) },
  int16: { bytes: 2, read: (data, at) => data.getInt16(at, true) },
  int8: { bytes: 1, read: (data, at) => data.getInt8(at) },
  uint8: { bytes: 1, read: (data, at) => data.getUint8(at) },
  // Two to a byte, the lower four bits first.
  int4: { bytes: 0.5, read: (data, at) => nibble(data.getUint8(Math.floor(at)), at % 1 !== 0) },
};

function nibble(byte: number, upper: boolean): number {
  const bits = upper ? byte >> 4 : byte & 15;
  return (bits ^ 8) - 8;
}

/** IEEE 754 binary16. */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** bfloat16: the upper half of an f32. */
function upperHalf(bits: number): number {
  const data = new DataView(new ArrayBuffer(4));
  data.setUint32(0, bits << 16);
  return data.getFloat32(0);
}

/** The elements as they stand in the file. The tensor must be a constant. */
export function elementsOf({ name, type, data, shape, sparse }: TfliteTensor): Float64Array {
  const format = NUMBERS[type];
  if (!format || !data || sparse) {
    throw refuse(
      `a dense constant of numbers as "${name}"`,
      `${sparse ? 'a sparse' : data ? 'a' : 'a computed'} tensor of ${type}`,
    );
  }
  const bytes = view(data);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Float64Array.from({ length: size }, (_, i) => format.read(bytes, i * format.bytes));
}

/** The integers of a constant of shapes, axes, indices. */
export function integersOf(tensor: TfliteTensor): number[] {
  if (tensor.type !== 'int32' && tensor.type !== 'int64') {
    throw refuse(`integers as "${tensor.name}"`, tensor.type);
  }
  return Array.from(elementsOf(tensor));
}

/** i8 of an int8, uint8 (less 128) or int4 tensor. */
export function bytesOf(tensor: TfliteTensor): Int8Array<ArrayBuffer> {
  const { type, data, sparse } = tensor;
  if (!data || sparse || type === 'int4') return Int8Array.from(elementsOf(tensor));
  const bytes = Int8Array.from(data);
  // 128 less is the top bit turned, whichever way the byte is read.
  if (type === 'uint8') for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 128;
  return bytes;
}

/**
 * The reals that a tensor stands for, rounded to f32: floats as they are, quantized integers by their scales, which stand along `along`: the
 * file's axis unless given.
 */
export function realsOf(tensor: TfliteTensor, along?: number): Float32Array<ArrayBuffer> {
  const elements = elementsOf(tensor);
  const { quantization, type, shape, name } = tensor;
  if (type.includes('float')) return Float32Array.from(elements);
  if (!quantization || quantization.custom) {
    throw refuse(`"${name}" to have scales`, `${type} without`);
  }
  const { scale, zeroPoint } = quantization;
  const axis = along ?? quantization.axis;
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const channel = (i: number) => (scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length);
  if (scale.length !== 1 && scale.length !== shape[axis]) {
    throw refuse(`"${name}" [${shape}] to have 1 or ${shape[axis]} scales`, scale.length);
  }
  return Float32Array.from(elements, (q, i) => {
    const c = channel(i);
    return (q - (zeroPoint[zeroPoint.length === 1 ? 0 : c] ?? 0)) * scale[c]!;
  });
}
