import { type StructFields, type StructName, structs } from '../../src/core/abi.ts';

type Bytes =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** A piece of wasm memory with guard bytes before and after it. `read` copies its present content. */
export interface Region<T extends Bytes = Bytes> {
  readonly pointer: number;
  read(): T;
}

interface Kept {
  readonly label: string;
  readonly pointer: number;
  readonly bytes: number;
  /** What the content must still be, for inputs. */
  readonly content?: Uint8Array;
}

const GUARD = 64;

/** Not constant, so that a kernel that reads a guard and uses it is found out. */
const guardByte = (address: number) => (Math.imul(address, 0x9e3779b1) >>> 24) ^ 0x5a;

/**
 * A wasm memory that hands out guarded regions.
 *
 *     | guard 64 | region, exactly its bytes | guard 64 or more |
 *
 * Kernels may read 16 bytes past an input (the guard), and may write nothing but their outputs and scratch:
 * `check` throws when a guard byte or a byte of an input changed.
 */
export class GuardedMemory {
  readonly memory: WebAssembly.Memory;
  #next = GUARD;
  #regions: Kept[] = [];

  constructor(pages = 64) {
    this.memory = new WebAssembly.Memory({ initial: pages });
  }

  /** Forgets all regions. */
  reset(): void {
    this.#next = GUARD;
    this.#regions = [];
  }

  /** A region that must not change. `offset` misaligns it by that many bytes. */
  input<T extends Bytes>(data: T, label = 'input', offset = 0): Region<T> {
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    const pointer = this.#take(label, content.length, offset, content);
    this.#bytes().set(content, pointer);
    return this.#region(pointer, data);
  }

  /**
   * An input that ends 16 bytes before the memory does: a kernel that reads further past it traps. To be called after
   * all other regions were handed out.
   */
  inputAtEnd<T extends Bytes>(data: T): Region<T> {
    const missing = this.#next + GUARD + data.byteLength + 64 - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    const pointer = this.memory.buffer.byteLength - 16 - content.length;
    this.#bytes().set(content, pointer);
    return this.#region(pointer, data);
  }

  /** A region with start content that the kernel may change. */
  inout<T extends Bytes>(data: T, label = 'inout', offset = 0): Region<T> {
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const pointer = this.#take(label, content.length, offset);
    this.#bytes().set(content, pointer);
    return this.#region(pointer, data);
  }

  /** A region filled with 0x77, so that a value the kernel did not write is seen. */
  output<T extends Bytes>(like: T, label = 'output', offset = 0): Region<T> {
    const pointer = this.#take(label, like.byteLength, offset);
    this.#bytes().fill(0x77, pointer, pointer + like.byteLength);
    return this.#region(pointer, like);
  }

  scratch(bytes: number): Region<Uint8Array<ArrayBuffer>> {
    return this.output(new Uint8Array(bytes), 'scratch');
  }

  /** A params struct; a region given as a field is stored as its pointer. */
  params<S extends StructName>(
    name: S,
    fields: { [F in keyof StructFields<S>]: number | Region },
  ): Region<Uint8Array<ArrayBuffer>> {
    const types = Object.entries(structs[name]);
    const view = new DataView(new ArrayBuffer(types.length * 4));
    types.forEach(([field, type], i) => {
      const given = (fields as Record<string, number | Region>)[field]!;
      const value = typeof given === 'number' ? given : given.pointer;
      if (type === 'f32') view.setFloat32(4 * i, value, true);
      else view.setInt32(4 * i, value, true);
    });
    return this.input(new Uint8Array(view.buffer), name);
  }

  /** Throws when a guard byte or an input changed, naming region and byte. */
  check(): void {
    const bytes = this.#bytes();
    for (const { label, pointer, bytes: length, content } of this.#regions) {
      for (let i = -GUARD; i < length + GUARD; i++) {
        const inside = i >= 0 && i < length;
        if (inside && !content) continue;
        const expected = inside ? content![i] : guardByte(pointer + i);
        if (bytes[pointer + i] !== expected)
          throw new Error(
            `${label}: byte ${i} of ${length} changed from ${expected} to ${bytes[pointer + i]}`,
          );
      }
    }
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  #take(label: string, bytes: number, offset: number, content?: Uint8Array): number {
    const pointer = ((this.#next + GUARD + 15) & ~15) + offset;
    const end = pointer + bytes + GUARD;
    const missing = end + 64 - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    const memory = this.#bytes();
    for (let i = pointer - GUARD; i < end; i++) memory[i] = guardByte(i);
    this.#next = end;
    this.#regions.push({ label, pointer, bytes, ...(content ? { content } : {}) });
    return pointer;
  }

  #region<T extends Bytes>(pointer: number, like: T): Region<T> {
    const { length } = like;
    const Type = like.constructor as new (buffer: ArrayBuffer, at: number, n: number) => T;
    const read = () =>
      new Type(this.memory.buffer.slice(pointer, pointer + like.byteLength), 0, length);
    return { pointer, read };
  }
}
