import type { InferKernels, TrainKernels } from '../core/kernels.ts';

/**
 * Types of the host's WebAssembly, for declarations: a program without the types of a browser has no such namespace, and
 * takes any object instead.
 */
export type WasmModule = typeof globalThis extends {
  WebAssembly: { Module: { prototype: infer M } };
}
  ? M
  : object;
export type WasmMemory = typeof globalThis extends {
  WebAssembly: { Memory: { prototype: infer M } };
}
  ? M
  : { readonly buffer: ArrayBuffer };

/** A compiled kernel module, or its bytes where the host allows compiling them. */
export type WasmSource = WasmModule | ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/**
 * A module inside this package: base64 of deflate-raw of its bytes, or the module itself where the host imports it (Cloudflare Workers), or
 * nothing, where callers bring theirs (`octavo/runtime/core`). The build chooses.
 */
export type Inlined = string | WasmModule | undefined;

/** What can be compiled of a module inside this package. */
export async function open(inlined: Inlined): Promise<WasmSource> {
  return typeof inlined === 'string' ? inflate(inlined) : (inlined as WasmModule);
}

/** In Node by its zlib: web streams and `Response` are there too, but loading them is half of a cold start. */
async function inflate(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const zlib = globalThis.process?.getBuiltinModule?.('node:zlib');
  if (zlib) return new Uint8Array(zlib.inflateRawSync(packed));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function compile(source: WasmSource): WasmModule {
  return source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
}

/** Binds a module's kernels over `memory`. They import nothing else. */
export function instantiate<T extends InferKernels | TrainKernels>(
  module: WasmModule,
  memory: WasmMemory,
): T {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as T;
}
