import { readFileSync } from 'node:fs';
import type { InferKernels, TrainKernels } from '../../src/core/kernels.ts';
import { compile, instantiate } from '../../src/wasm/instantiate.ts';
import { withSharedMemory } from '../../src/wasm/share.ts';

export type ModuleName = 'common' | 'infer' | 'train' | 'scalar' | 'bench';

export interface ModuleKernels {
  common: InferKernels;
  infer: InferKernels;
  train: TrainKernels;
  scalar: InferKernels & TrainKernels;
  bench: Record<string, (...args: number[]) => number>;
}

const built = (name: string) => new URL(`../../build/wasm/${name}.wasm`, import.meta.url);
const modules = new Map<string, WebAssembly.Module>();

/** The module that `node .ci/setup.mjs` built, compiled once. */
export function moduleOf(name: ModuleName): WebAssembly.Module {
  const known = modules.get(name);
  if (known) return known;
  const module = compile(readFileSync(built(name)));
  modules.set(name, module);
  return module;
}

/** The inference module for a shared memory. */
export function sharedModule(): WebAssembly.Module {
  return compile(withSharedMemory(readFileSync(built('infer'))));
}

/** The kernels of a built module over `memory`. Several modules may share one memory: none has data of its own. */
export function kernelsOf<N extends ModuleName>(
  name: N,
  memory: WebAssembly.Memory,
): ModuleKernels[N] {
  return instantiate(moduleOf(name), memory) as unknown as ModuleKernels[N];
}

/** An implementation of a family of kernels: suites are functions of it. */
export interface Implementation<K> {
  readonly name: 'simd128' | 'scalar';
  readonly kernels: K;
}

/** The SIMD kernels of `family` and their scalar twins, over one memory. */
export function implementations<F extends 'infer' | 'train'>(
  family: F,
  memory: WebAssembly.Memory,
): Implementation<ModuleKernels[F]>[] {
  return [
    { name: 'simd128', kernels: kernelsOf(family, memory) },
    { name: 'scalar', kernels: kernelsOf('scalar', memory) as unknown as ModuleKernels[F] },
  ];
}

/** The same for the kernels of both modules. */
export function allImplementations(
  memory: WebAssembly.Memory,
): Implementation<InferKernels & TrainKernels>[] {
  const simd = { ...kernelsOf('infer', memory), ...kernelsOf('train', memory) };
  return [
    { name: 'simd128', kernels: simd },
    { name: 'scalar', kernels: kernelsOf('scalar', memory) },
  ];
}
