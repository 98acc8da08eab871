/**
 * The safetensors file format: a header that names tensors, then their bytes, little-endian, without gaps.
 *
 *     0        8                      8 + n                               8 + n + size
 *     ├ n: u64 ┼ JSON header, spaces ─┼ tensor ┼ tensor ┼ … ──────────────┤
 *              └ starts with '{'      └ a multiple of 64 in files we write
 *
 * `encode` sorts tensors by element size, largest first, so that each starts at a multiple of its element size and
 * `decode` can hand out views instead of copies. Equal input gives equal bytes.
 */

import { arrayOf, bytesOf, type DType, type TypedArray } from './dtype.ts';
import { rangeError, typeError } from './errors.ts';
import { type Shape, showShape, sizeOf } from './shape.ts';

export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

export interface Decoded {
  readonly tensors: Map<string, StoredTensor>;
  /** The `__metadata__` of the file; own properties only. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The bytes behind the header, all tensors. */
  readonly data: Uint8Array;
}

/** A larger header is refused before it is parsed. */
export const MAX_HEADER_BYTES = 16 * 1024 * 1024;

const ALIGNMENT = 64;
const METADATA = '__metadata__';
const CODES = { F32: 'f32', I8: 'i8', U8: 'u8', I32: 'i32', F64: 'f64' } as const;

/** The bytes of a file. Throws a RangeError on two tensors of one name, and on data that do not fit their shape. */
export function encode(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>> = {},
  where = 'safetensors',
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(storageOrder);
  checkTensors(where, sorted);
  const { json, size } = header(sorted, metadata);
  const start = Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT;
  if (start - 8 > MAX_HEADER_BYTES) {
    throw rangeError(where, `the header must have at most ${MAX_HEADER_BYTES} bytes`, start - 8);
  }
  const bytes = new Uint8Array(start + size).fill(0x20, 8, start);
  new DataView(bytes.buffer).setUint32(0, start - 8, true);
  bytes.set(json, 8);
  let at = start;
  for (const { data } of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function storageOrder(a: StoredTensor, b: StoredTensor): number {
  return bytesOf[b.dtype] - bytesOf[a.dtype] || (a.name < b.name ? -1 : 1);
}

function checkTensors(where: string, tensors: readonly StoredTensor[]): void {
  const names = new Set<string>([METADATA]);
  for (const { name, dtype, shape, data } of tensors) {
    if (names.has(name)) throw rangeError(where, 'tensors must have different names', name);
    names.add(name);
    if (data instanceof arrayOf[dtype] && data.length === sizeOf(shape)) continue;
    const expected = `tensor ${name} must have ${sizeOf(shape)} values of ${dtype}`;
    throw rangeError(where, expected, `${data.length} in a ${data.constructor.name}`);
  }
}

/** Written by hand, since an object would move names like "0" to its front. */
function header(tensors: readonly StoredTensor[], metadata: Readonly<Record<string, string>>) {
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const strings = pairs.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
  const entries = pairs.length === 0 ? [] : [`"${METADATA}":{${strings.join(',')}}`];
  let size = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const begin = size;
    size += data.byteLength;
    const code = `"dtype":"${dtype.toUpperCase()}","shape":[${shape.join(',')}]`;
    entries.push(`${JSON.stringify(name)}:{${code},"data_offsets":[${begin},${size}]}`);
  }
  return { json: new TextEncoder().encode(`{${entries.join(',')}}`), size };
}

/**
 * The tensors of a file, as views of `bytes` where the alignment allows. The file may come from anyone: whatever is
 * in it, this returns or throws a RangeError or TypeError that starts with `where`.
 */
export function decode(bytes: Uint8Array, where = 'safetensors'): Decoded {
  const length = headerLength(bytes, where);
  const text = decodeText(bytes.slice(8, 8 + length), where);
  const { [METADATA]: metadata = {}, ...rest } = asRecord(parseJson(text, where), where, 'header');
  for (const value of Object.values(asRecord(metadata, where, METADATA))) {
    if (typeof value !== 'string') throw typeError(where, 'metadata must be strings', typeof value);
  }
  const data = bytes.subarray(8 + length);
  const entries = Object.entries(rest).map(([name, entry]) => readEntry(name, entry, where));
  checkContiguous(entries, data.length, where);
  const tensors = new Map(entries.map((entry) => [entry.name, view(entry, data)]));
  return { tensors, metadata: metadata as Record<string, string>, data };
}

/**
 * JSON.parse that refuses an object with the same key twice. JSON.parse keeps the last one, so a text that has more
 * keys than its value has repeats one; outside of strings, each colon follows one key. What JSON.stringify would write, as
 * most texts are, needs no counting.
 */
export function parseJson(text: string, where: string, what = 'header'): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw rangeError(where, `the ${what} must be JSON`, brief(text));
  }
  if (isWritten(value, text)) return value;
  const repeated = countColons(text) - countKeys(value);
  if (repeated > 0) throw rangeError(where, `no key of the ${what} may appear twice`, repeated);
  return value;
}

/** Whether JSON.stringify gives this text, up to spaces at the end. Deep nesting is too much for it: then nobody knows. */
function isWritten(value: unknown, text: string): boolean {
  try {
    return JSON.stringify(value) === text.trimEnd();
  } catch {
    return false;
  }
}

function countColons(text: string): number {
  let colons = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    else if (quoted && c === '\\') i++;
    else if (!quoted && c === ':') colons++;
  }
  return colons;
}

/** Without recursion, since the nesting of a hostile file has no bound. */
function countKeys(root: unknown): number {
  let keys = 0;
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children = Object.values(value);
    if (!Array.isArray(value)) keys += children.length;
    for (const child of children) open.push(child);
  }
  return keys;
}

function headerLength(bytes: Uint8Array, where: string): number {
  if (bytes.length < 8) {
    throw rangeError(
      where,
      'the file is truncated: the first 8 bytes are the header length',
      bytes.length,
    );
  }
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = lengths.getUint32(4, true) * 2 ** 32 + lengths.getUint32(0, true);
  if (length > MAX_HEADER_BYTES) {
    const expected = `not a safetensors file: the header length must be at most ${MAX_HEADER_BYTES}`;
    throw rangeError(where, expected, length);
  }
  if (bytes.length - 8 < length) {
    throw rangeError(
      where,
      `the file is truncated: the header has ${length} bytes`,
      bytes.length - 8,
    );
  }
  if (length === 0 || bytes[8] !== 0x7b) {
    throw rangeError(
      where,
      "not a safetensors file: the header must start with '{'",
      `byte ${bytes[8]}`,
    );
  }
  return length;
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw rangeError(where, 'the header must be UTF-8', 'other bytes');
  }
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown, where: string): Entry {
  const what = `tensor ${brief(name)}`;
  const { dtype: code, shape, data_offsets: offsets } = asRecord(entry, where, what);
  if (typeof code !== 'string' || !Object.hasOwn(CODES, code)) {
    throw rangeError(
      where,
      `the dtype of ${what} must be one of ${Object.keys(CODES).join(', ')}`,
      brief(code),
    );
  }
  if (!isExtents(shape))
    throw rangeError(where, `the shape of ${what} must be integers >= 0`, brief(shape));
  if (!isExtents(offsets) || offsets.length !== 2) {
    throw rangeError(
      where,
      `the data_offsets of ${what} must be two integers >= 0`,
      brief(offsets),
    );
  }
  const dtype = CODES[code as keyof typeof CODES];
  const [begin, end] = offsets as [number, number];
  // A product above 2⁵³ is not exact, but still far above every file: it cannot equal end − begin.
  const size = sizeOf(shape) * bytesOf[dtype];
  if (size !== end - begin) {
    throw rangeError(
      where,
      `${what} ${dtype} ${showShape(shape)} must have ${size} bytes`,
      end - begin,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isExtents(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0)
  );
}

/** Each byte of the data belongs to exactly one tensor: what one reader ignores, no other may see. */
function checkContiguous(entries: readonly Entry[], length: number, where: string): void {
  const size = entries.reduce((size, { end }) => Math.max(size, end), 0);
  if (size > length) {
    throw rangeError(
      where,
      `the file is truncated: the header promises ${size} bytes of data`,
      length,
    );
  }
  let at = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== at) {
      throw rangeError(
        where,
        `tensor ${brief(entry.name)} must start at ${at}, without hole or overlap`,
        entry.begin,
      );
    }
    at = entry.end;
  }
  if (at < length) throw rangeError(where, `the file must end after ${at} bytes of data`, length);
}

function view({ name, dtype, shape, begin, end }: Entry, data: Uint8Array): StoredTensor {
  const aligned = (data.byteOffset + begin) % bytesOf[dtype] === 0;
  const bytes = aligned ? data.subarray(begin, end) : data.slice(begin, end);
  const count = bytes.length / bytesOf[dtype];
  const values = new arrayOf[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
  return { name, dtype, shape, data: values };
}

/** A JSON object, or a TypeError. */
export function asRecord(value: unknown, where: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw typeError(where, `${what} must be a JSON object`, brief(value));
}

/** For messages: a value of a stranger's file, short, and without recursion. */
export function brief(value: unknown): string {
  const list = Array.isArray(value) ? `[${value.slice(0, 8).map(plain).join(',')}]` : plain(value);
  return list.length > 60 ? `${list.slice(0, 60)}…` : list;
}

function plain(value: unknown): string {
  if (value === '') return 'an empty string';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
