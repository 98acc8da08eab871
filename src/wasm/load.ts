import { instantiateSync } from '@assemblyscript/loader';
import type { InferKernels, TrainKernels } from '../core/kernels.ts';
import type { WasmMemory, WasmModule } from './instantiate.ts';

/**
 * `instantiate` by AssemblyScript's loader, whose `abort` says file and line where a debug build fails an assertion. The
 * runtime does without it: 2 kB of a page's 30. The raw exports are returned, not the loader's wrappers, which are closures
 * and cost some nanoseconds a call.
 */
export function instantiateWithLoader<T extends InferKernels | TrainKernels>(
  module: WasmModule,
  memory: WasmMemory,
): T {
  const { instance } = instantiateSync<Record<string, unknown>>(module, { env: { memory } });
  return instance.exports as unknown as T;
}
