import type { StructFields, StructName } from '../../src/core/abi.ts';
import type { InferKernels, TrainKernels } from '../../src/core/kernels.ts';
import { Rng } from '../../src/core/rng.ts';
import { compile, instantiate, type WasmSource } from '../../src/wasm/instantiate.ts';
import { GuardedMemory, type Region } from '../helpers/guarded.ts';
import { Digest } from './digest.ts';

type Data = Parameters<GuardedMemory['input']>[0];

/**
 * What a kernel is run on: both modules over one guarded memory, seeded numbers, and a digest of
 * all outputs.
 */
export class Rig {
  readonly kernels: InferKernels & TrainKernels;
  readonly #guarded = new GuardedMemory(64);
  #rng = new Rng(0);
  #digest = new Digest();
  #outputs: Region[] = [];

  constructor(modules: { readonly infer: WasmSource; readonly train: WasmSource }) {
    const { memory } = this.#guarded;
    this.kernels = {
      ...instantiate<InferKernels>(compile(modules.infer), memory),
      ...instantiate<TrainKernels>(compile(modules.train), memory),
    };
  }

  /** The memory that addresses are in; another one after it grew. */
  get buffer(): ArrayBuffer {
    return this.#guarded.memory.buffer;
  }

  /** Digest of all outputs of one kernel's line. Throws when a kernel wrote where it must not. */
  digestOf(line: Line): Promise<string> {
    this.#digest = new Digest();
    line(this);
    return this.#digest.hex();
  }

  /** One case: `work` on a clean memory with its own random numbers. */
  run(seed: number, work: () => void): void {
    this.#guarded.reset();
    this.#rng = new Rng(seed);
    this.#outputs = [];
    work();
    this.#guarded.check();
    for (const region of this.#outputs) this.#digest.add(region.read());
  }

  /** Integers in [lo, hi]. */
  integers(length: number, lo = -128, hi = 127): Int8Array<ArrayBuffer> {
    return Int8Array.from({ length }, () => this.below(hi - lo + 1) + lo);
  }

  /** Uniform in [−size, size). */
  floats(length: number, size = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length }, () => (2 * this.#rng.uniform() - 1) * size);
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return this.#rng.below(n);
  }

  /** Address of an input, which must not change. */
  put(data: Data): number {
    return this.#guarded.input(data).pointer;
  }

  /** Address of an output as large as `like`. What the kernel leaves out keeps a fixed fill. */
  out(like: Data): number {
    return this.#keep(this.#guarded.output(like));
  }

  /** Address of an output that starts as `data`. */
  inout(data: Data): number {
    return this.#keep(this.#guarded.inout(data));
  }

  scratch(bytes: number): number {
    return this.#guarded.scratch(bytes).pointer;
  }

  params<S extends StructName>(name: S, fields: StructFields<S>): number {
    return this.#guarded.params(name, fields).pointer;
  }

  /** Adds a number that a kernel returned. */
  returned(value: number): void {
    this.#digest.add(Float64Array.of(value));
  }

  #keep({ pointer, read }: Region): number {
    this.#outputs.push({ pointer, read });
    return pointer;
  }
}

/** How one kernel is run, case after case. */
export type Line = (rig: Rig) => void;

/** The line that runs a kernel on each of `cases`. */
export function over<C>(cases: readonly C[], work: (rig: Rig, c: C) => void): Line {
  return (rig) => {
    cases.forEach((c, i) => {
      rig.run(i + 1, () => work(rig, c));
    });
  };
}
