/**
 * Integers of fewer than eight bits: side by side in a file, one a byte in memory. It imports nothing, so that a runtime, which loads it
 * when a bundle has such integers, shares no chunk with it.
 */

import type { QParams } from '../core/qparams.ts';
import type { StoredTensor } from '../core/safetensors.ts';
import type { Graph, Parameter, ValueId } from '../graph/graph.ts';

/** Bits that both ends of a grid need in two's complement. */
export function bitsOf({ qmin, qmax }: Pick<QParams, 'qmin' | 'qmax'>): number {
  return 33 - Math.clz32(Math.max(qmax, ~qmin));
}

/** The tensor of a file: u8 [ceil(n·bits / 8)], low bits first, in two's complement. */
export function packed(name: string, integers: Int8Array, bits: number): StoredTensor {
  const data = new Uint8Array(Math.ceil((integers.length * bits) / 8));
  const mask = (1 << bits) - 1;
  integers.forEach((integer, i) => {
    const at = i * bits;
    const two = (integer & mask) << (at & 7);
    data[at >> 3]! |= two;
    if (two > 255) data[(at >> 3) + 1]! |= two >> 8;
  });
  return { name, shape: [data.length], dtype: 'u8', data };
}

/**
 * Puts integers in the place of the packed bytes of all parameters of a graph that was just read. Throws a RangeError for a number of
 * bytes that does not fit.
 */
export function unpackParameters({ values, parameters }: Graph): void {
  for (const [id, parameter] of parameters) {
    const { shape, dtype, qparams } = values[id]!;
    if (!qparams || dtype !== 'i8' || !(parameter.data instanceof Uint8Array)) continue;
    const size = shape.reduce((product, extent) => product * extent, 1);
    const data = unpacked(parameter.name, parameter.data, size, bitsOf(qparams));
    (parameters as Map<ValueId, Parameter>).set(id, { ...parameter, shape, data });
  }
}

function unpacked(
  name: string,
  data: Uint8Array,
  size: number,
  bits: number,
): Int8Array<ArrayBuffer> {
  if (!(bits > 1 && bits < 8 && data.length === Math.ceil((size * bits) / 8))) {
    const tensor = JSON.stringify(name.slice(0, 60));
    throw new RangeError(
      `bundle: ${tensor} must hold ${size} integers of ${bits} bits, 2 to 7, got ${data.length} bytes`,
    );
  }
  const integers = new Int8Array(size);
  for (let i = 0, at = 0; i < size; i++, at += bits) {
    const two = data[at >> 3]! | (data[(at >> 3) + 1]! << 8);
    // The sign bit to the top, and back.
    integers[i] = (two << (32 - bits - (at & 7))) >> (32 - bits);
  }
  return integers;
}
