import { rangeError } from '../core/errors.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';

/** Files of another element type exist, but none that we know of holds images. */
const UINT8 = 0x08;

export interface IdxArray {
  readonly shape: Shape;
  /** A view of the file. */
  readonly data: Uint8Array;
}

/**
 * Parses an IDX file of uint8, the format of MNIST: bytes 0, 0, type, rank, then `rank` extents as big-endian u32, then
 * the elements. `where` names the file in messages. Throws a RangeError on everything else.
 */
export function parseIdx(bytes: Uint8Array, where = 'idx'): IdxArray {
  const [zero, zero2, type, rank] = bytes;
  if (zero !== 0 || zero2 !== 0 || rank === undefined || rank === 0) {
    const got = bytes.length < 4 ? `${bytes.length} bytes` : `[${bytes.subarray(0, 4)}]`;
    throw rangeError(where, 'an IDX file must start with the bytes 0, 0, type, rank', got);
  }
  if (type !== UINT8) throw rangeError(where, 'the IDX type must be 8 (uint8)', type);
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw rangeError(where, `the file is truncated: its header has ${start} bytes`, bytes.length);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const data = bytes.subarray(start);
  if (data.length === sizeOf(shape)) return { shape, data };
  throw rangeError(
    where,
    `${showShape(shape)} must have ${sizeOf(shape)} bytes of data`,
    data.length,
  );
}
