import { type InferStructName, inferStructs, type StructFields } from '../core/abi.ts';
import { alignUp } from './arena.ts';

/** Where constants go in the second pass. */
export interface Target {
  readonly buffer: ArrayBuffer;
  /** Room for the largest array that a packing kernel reads. */
  readonly staging: number;
}

/**
 * Hands out constant memory from `base` up, one cache line at least. Without a target it only counts: the plan is
 * lowered twice, first to learn the sizes, then, with the memory made, to fill it. Both passes ask for the same
 * things in the same order.
 */
export class Constants {
  #next: number;
  /** Bytes of the largest `source` of `packed`. */
  stagingBytes = 0;

  constructor(
    base: number,
    readonly target?: Target,
  ) {
    this.#next = base;
  }

  /** The first address after everything handed out. */
  get end(): number {
    return this.#next;
  }

  constant(data: Int8Array | Uint8Array | Float32Array | Int32Array, length = data.length): number {
    const ptr = this.#take(length * data.BYTES_PER_ELEMENT);
    if (this.target) this.#write(ptr, data);
    return ptr;
  }

  packed(bytes: number, source: Int8Array, pack: (from: number, to: number) => void): number {
    const ptr = this.#take(bytes);
    this.stagingBytes = Math.max(this.stagingBytes, source.length);
    if (this.target) {
      this.#write(this.target.staging, source);
      pack(this.target.staging, ptr);
    }
    return ptr;
  }

  struct<S extends InferStructName>(name: S, fields: StructFields<S>): number {
    const types: Readonly<Record<string, 'i32' | 'f32'>> = inferStructs[name];
    const names = Object.keys(types);
    const ptr = this.#take(4 * names.length);
    if (!this.target) return ptr;
    const view = new DataView(this.target.buffer, ptr);
    for (let i = 0; i < names.length; i++) {
      const value = (fields as Record<string, number>)[names[i]!]!;
      if (types[names[i]!] === 'f32') view.setFloat32(4 * i, value, true);
      else view.setInt32(4 * i, value, true);
    }
    return ptr;
  }

  #take(bytes: number): number {
    const ptr = this.#next;
    this.#next += alignUp(bytes);
    return ptr;
  }

  #write(ptr: number, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
    new Uint8Array(this.target!.buffer, ptr).set(new Uint8Array(buffer, byteOffset, byteLength));
  }
}
