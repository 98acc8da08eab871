import { readFileSync } from 'node:fs';
import { type StructFields, type StructName, structs } from '../src/core/abi.ts';
import { compile, instantiate } from '../src/wasm/instantiate.ts';

/** The built module `name` over `memory`. */
export function load<K>(name: string, memory: WebAssembly.Memory): K {
  const file = new URL(`../wasm/${name}.wasm`, import.meta.url);
  return instantiate(compile(readFileSync(file)), memory) as K;
}

/** A bump allocator; buffers start on a cache line and have slack behind them. */
export class Heap {
  readonly memory = new WebAssembly.Memory({ initial: 16 });
  #next = 1024;
  #seed = 1;

  alloc(bytes: number): number {
    const at = this.#next;
    this.#next = (at + bytes + 127) & ~63;
    const missing = this.#next - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  /** Bytes that no kernel can find a shortcut in. */
  random(bytes: number): number {
    const at = this.alloc(bytes);
    const view = new Uint8Array(this.memory.buffer, at, bytes);
    for (let i = 0; i < bytes; i++) {
      this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
      view[i] = this.#seed >>> 24;
    }
    return at;
  }

  floats(length: number, value: (i: number) => number): number {
    const at = this.alloc(length * 4);
    const view = new Float32Array(this.memory.buffer, at, length);
    for (let i = 0; i < length; i++) view[i] = value(i);
    return at;
  }

  integers(length: number, value: (i: number) => number): number {
    const at = this.alloc(length * 4);
    const view = new Int32Array(this.memory.buffer, at, length);
    for (let i = 0; i < length; i++) view[i] = value(i);
    return at;
  }

  struct<S extends StructName>(name: S, fields: StructFields<S>): number {
    const types = Object.entries(structs[name]);
    const at = this.alloc(types.length * 4);
    const view = new DataView(this.memory.buffer, at);
    types.forEach(([field, type], i) => {
      const value = (fields as Record<string, number>)[field]!;
      if (type === 'f32') view.setFloat32(4 * i, value, true);
      else view.setInt32(4 * i, value, true);
    });
    return at;
  }
}
