import { ByteBuffer } from 'flatbuffers';
import { rangeError } from '../../core/errors.ts';

/**
 * A flatbuffer of a stranger: every access is checked against the length, and every element of a vector is charged, so
 * that a small file whose offsets all lead to one long vector cannot cost more than a large file would.
 */
export class FlatFile {
  readonly buffer: ByteBuffer;
  readonly length: number;
  #budget: number;

  constructor(readonly bytes: Uint8Array) {
    this.buffer = new ByteBuffer(bytes);
    this.length = bytes.length;
    this.#budget = 4096 + 4 * bytes.length;
  }

  root(where: string): Table {
    this.check(0, 8, where);
    return new Table(this, this.buffer.readUint32(0), where);
  }

  /** Throws a RangeError unless `size` bytes at `at` are in the file. */
  check(at: number, size: number, where: string): void {
    if (at >= 0 && at + size <= this.length) return;
    const expected = `the ${size} bytes at ${at} must be inside the file of ${this.length} bytes`;
    throw rangeError(where, expected, 'an offset beyond it');
  }

  charge(elements: number, where: string): void {
    this.#budget -= elements;
    if (this.#budget >= 0) return;
    throw rangeError(where, 'tables must not overlap', 'more content than the file has bytes');
  }
}

type Scalar = 'byte' | 'int' | 'uint' | 'float';

const WIDTH = { byte: 1, int: 4, uint: 4, float: 4 } as const satisfies Record<Scalar, number>;

/** A table of a flatbuffer. Fields are named by their number; absent ones have their default. */
export class Table {
  readonly #file: FlatFile;
  readonly #at: number;
  readonly #where: string;

  constructor(file: FlatFile, at: number, where: string) {
    file.check(at, 4, where);
    const vtable = at - file.buffer.readInt32(at);
    file.check(vtable, 4, where);
    file.check(vtable, Math.max(4, file.buffer.readUint16(vtable)), where);
    file.charge(1, where);
    this.#file = file;
    this.#at = at;
    this.#where = where;
  }

  /** Position of a field of `size` bytes; 0 where it is absent. */
  #field(slot: number, size: number): number {
    const offset = this.#file.buffer.__offset(this.#at, 4 + 2 * slot);
    if (offset === 0) return 0;
    // Offsets are read as signed: one below 4 would point at the table's own head or before it.
    this.#file.check(offset < 4 ? -1 : this.#at + offset, size, this.#where);
    return this.#at + offset;
  }

  #read(kind: Scalar, at: number): number {
    const { buffer } = this.#file;
    if (kind === 'byte') return buffer.readUint8(at);
    if (kind === 'int') return buffer.readInt32(at);
    return kind === 'uint' ? buffer.readUint32(at) : buffer.readFloat32(at);
  }

  scalar(slot: number, kind: Scalar, missing = 0): number {
    const at = this.#field(slot, WIDTH[kind]);
    return at === 0 ? missing : this.#read(kind, at);
  }

  /** A 64-bit integer; one that a double cannot hold counts as infinite. */
  long(slot: number): number {
    const at = this.#field(slot, 8);
    return at === 0 ? 0 : toNumber(this.#file.buffer.readUint64(at));
  }

  table(slot: number, where: string): Table | undefined {
    const at = this.#field(slot, 4);
    return at === 0 ? undefined : new Table(this.#file, this.#follow(at), where);
  }

  #follow(at: number): number {
    const target = this.#file.buffer.__indirect(at);
    this.#file.check(target > at ? target : -1, 4, this.#where);
    return target;
  }

  /** Start and length of a vector, all of it inside the file; undefined where it is absent. */
  #vector(slot: number, width: number): { start: number; length: number } | undefined {
    const at = this.#field(slot, 4);
    if (at === 0) return undefined;
    this.#follow(at);
    const start = this.#file.buffer.__vector(at);
    const length = this.#file.buffer.__vector_len(at) >>> 0;
    this.#file.check(start, length * width, this.#where);
    return { start, length };
  }

  #list<T>(slot: number, width: number, read: (at: number, i: number) => T): T[] | undefined {
    const vector = this.#vector(slot, width);
    if (!vector) return undefined;
    this.#file.charge(vector.length, this.#where);
    return Array.from({ length: vector.length }, (_, i) => read(vector.start + i * width, i));
  }

  numbers(slot: number, kind: 'int' | 'float'): number[] | undefined {
    return this.#list(slot, 4, (at) => this.#read(kind, at));
  }

  /** 64-bit integers; those that a double cannot hold count as infinite. */
  longs(slot: number): number[] | undefined {
    return this.#list(slot, 8, (at) => toNumber(this.#file.buffer.readInt64(at)));
  }

  tables(slot: number, what: string): Table[] {
    const read = (at: number, i: number) =>
      new Table(this.#file, this.#follow(at), `${this.#where}: ${what} ${i}`);
    return this.#list(slot, 4, read) ?? [];
  }

  /** A view of the file. */
  bytes(slot: number): Uint8Array | undefined {
    const vector = this.#vector(slot, 1);
    return vector && this.#file.bytes.subarray(vector.start, vector.start + vector.length);
  }

  /** A view of bytes that stand behind the flatbuffer, as files above 2 GB have them. */
  outside(at: number, size: number): Uint8Array {
    this.#file.check(at, size, this.#where);
    return this.#file.bytes.subarray(at, at + size);
  }

  text(slot: number): string {
    const bytes = this.bytes(slot);
    if (!bytes) return '';
    this.#file.charge(bytes.length, this.#where);
    return new TextDecoder().decode(bytes);
  }
}

function toNumber(value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : Infinity;
}
