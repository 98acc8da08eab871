import { instantiateSync } from '@assemblyscript/loader';
import type { InferKernels, TrainKernels } from '../core/kernels.ts';

/** A compiled kernel module, or its bytes where the host allows compiling them. */
export type WasmSource = WebAssembly.Module | BufferSource;

/** Bytes of a module that the build inlined as base64 of deflate-raw. */
export async function inflate(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function compile(source: WasmSource): WebAssembly.Module {
  return source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
}

/**
 * Binds a module's kernels over `memory`. The raw exports are returned, not the loader's wrappers: a wrapper is a
 * closure and costs some nanoseconds a call.
 */
export function instantiate<T extends InferKernels | TrainKernels>(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): T {
  const { instance } = instantiateSync<Record<string, unknown>>(module, { env: { memory } });
  return instance.exports as unknown as T;
}
