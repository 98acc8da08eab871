/** NumPy's array files: magic, version, a header that is a Python dictionary, then the elements. */

import { arrayOf, bytesOf, type Elements } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

/** Types of elements by NumPy's name for them; those of more bytes are little-endian. */
const DTYPES = { '|u1': 'u8', '|i1': 'i8', '<f4': 'f32', '<f8': 'f64', '<i4': 'i32' } as const;

type Descr = keyof typeof DTYPES;

export interface NpyArray {
  readonly shape: Shape;
  /** A copy, row by row. */
  readonly data: Elements;
}

const MAGIC = '\x93NUMPY';

/** Data starts at a multiple of this. */
const ALIGNMENT = 64;

export function isNpy(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/** Throws a RangeError that starts with `where` for what is no .npy file, or one of types or an order not known here. */
export function readNpy(bytes: Uint8Array, where: string): NpyArray {
  if (!isNpy(bytes) || bytes.length < 12) {
    throw rangeError(where, 'the file must start as a .npy file does', `${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const long = bytes[MAGIC.length]! > 1;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = latin1(bytes.subarray(start, end));
  const descr = field(where, header, /'descr':\s*'([^']*)'/);
  const order = field(where, header, /'fortran_order':\s*(\w+)/);
  const shape = field(where, header, /'shape':\s*\(([\d,\s]*)\)/);
  if (!Object.hasOwn(DTYPES, descr)) {
    throw rangeError(where, `elements must be one of ${Object.keys(DTYPES).join(', ')}`, descr);
  }
  if (order !== 'False') throw rangeError(where, 'fortran_order must be False', order);
  const extents = shape.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  return { shape: extents, data: elements(bytes.slice(end), descr as Descr, extents, where) };
}

function field(where: string, header: string, pattern: RegExp): string {
  const found = pattern.exec(header)?.[1];
  if (found !== undefined) return found;
  throw rangeError(
    where,
    'the header must have descr, fortran_order and shape',
    header.slice(0, 80),
  );
}

function elements(bytes: Uint8Array, descr: Descr, shape: Shape, where: string): Elements {
  const dtype = DTYPES[descr];
  const size = bytesOf[dtype] * sizeOf(shape);
  if (bytes.length === size) return new arrayOf[dtype](bytes.buffer as ArrayBuffer);
  throw rangeError(where, `an array [${shape}] of ${descr} must have ${size} bytes`, bytes.length);
}

/** A .npy file, version 1.0. */
export function writeNpy(data: Elements, shape: Shape): Uint8Array {
  const descr = Object.entries(DTYPES).find(([, dtype]) => data instanceof arrayOf[dtype])![0];
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${extents}), }`;
  const start = MAGIC.length + 4;
  const end = Math.ceil((start + dictionary.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(end + data.byteLength);
  const text = `${dictionary.padEnd(end - start - 1)}\n`;
  bytes.set([...`${MAGIC}\x01\x00`].map((char) => char.charCodeAt(0)));
  new DataView(bytes.buffer).setUint16(MAGIC.length + 2, text.length, true);
  bytes.set(new TextEncoder().encode(text), start);
  bytes.set(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), end);
  return bytes;
}

/** Bytes as characters, one by one. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 4096));
}
