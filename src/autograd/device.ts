import type { StructFields, StructName } from '../core/abi.ts';
import { structs } from '../core/abi.ts';
import { type ArrayOf, arrayOf, bytesOf, type DType } from '../core/dtype.ts';
import { internal } from '../core/errors.ts';
import type { InferKernels, TrainKernels } from '../core/kernels.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import infer from '../wasm/generated/infer.ts';
import train from '../wasm/generated/train.ts';
import {
  compile,
  open,
  type WasmMemory,
  type WasmModule,
  type WasmSource,
} from '../wasm/instantiate.ts';
import { instantiateWithLoader } from '../wasm/load.ts';
import type { Crew } from './crew.ts';

const PAGE = 65536;
const ALIGN = 64;
/** Kernels may read this far past an operand. */
const SLACK = 64;

/**
 * One wasm memory with both kernel modules over it, and a stack of allocations: what a run keeps lies at the bottom,
 * what a step makes on top, and `release` takes back everything above a mark. Nothing is ever freed singly.
 */
export class Device {
  readonly kernels: InferKernels & TrainKernels;
  readonly #memory: WasmMemory;
  #top = ALIGN;
  /** The threads that share its kernels, where there are several. */
  crew: Crew | undefined;

  /** A device of its own, for a run that should not share one. */
  static async create(): Promise<Device> {
    return new Device(modules ?? (await loadModules()));
  }

  constructor(modules: Modules, memory: WasmMemory = new WebAssembly.Memory({ initial: 16 })) {
    this.#memory = memory;
    this.kernels = {
      ...instantiateWithLoader<InferKernels>(modules.infer, this.#memory),
      ...instantiateWithLoader<TrainKernels>(modules.train, this.#memory),
    };
  }

  /** Address of `bytes` fresh bytes, 64-aligned, not cleared. Views made before may be detached by it. */
  allocate(bytes: number): number {
    const at = this.#top;
    // Not by masking: bit operators are signed and addresses go to 4 GiB.
    this.#top = Math.ceil((at + bytes + SLACK) / ALIGN) * ALIGN;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#grow(missing);
    return at;
  }

  /** Grows by a quarter at least, so that a first step does not grow once a tensor. */
  #grow(bytes: number): void {
    const size = this.#memory.buffer.byteLength;
    const pages = Math.ceil(bytes / PAGE);
    const wanted = Math.min(Math.max(pages, size / PAGE / 4), 65536 - size / PAGE);
    try {
      this.#memory.grow(Math.ceil(Math.max(pages, wanted)));
    } catch {
      const mib = Math.ceil((size + bytes) / 2 ** 20);
      throw new RangeError(
        `memory: the step needs ${mib} MiB, more than this host gives; try a smaller batch`,
      );
    }
  }

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
    this.crew?.forget();
  }

  /** Size of the wasm memory in bytes; it only grows. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  tensor(shape: readonly number[], dtype: DType = 'f32'): Ref {
    return { ptr: this.allocate(sizeOf(shape) * bytesOf[dtype]), shape, dtype };
  }

  /** A view on a tensor's elements, valid until the next allocation. */
  view<D extends DType>(ref: Ref, dtype: D): ArrayOf<D> {
    const View = arrayOf[dtype] as unknown as new (
      b: ArrayBufferLike,
      at: number,
      n: number,
    ) => ArrayOf<D>;
    return new View(this.#memory.buffer, ref.ptr, sizeOf(ref.shape));
  }

  struct<S extends StructName>(name: S, fields: StructFields<S>): number {
    const layout = Object.entries(structs[name]);
    const ptr = this.allocate(layout.length * 4);
    writeStruct(this.#memory.buffer, ptr, layout, fields as Readonly<Record<string, number>>);
    return ptr;
  }
}

function writeStruct(
  buffer: ArrayBufferLike,
  ptr: number,
  layout: readonly (readonly [string, 'i32' | 'f32'])[],
  fields: Readonly<Record<string, number>>,
): void {
  const view = new DataView(buffer, ptr, layout.length * 4);
  layout.forEach(([field, type], i) => {
    if (type === 'i32') view.setInt32(i * 4, fields[field]!, true);
    else view.setFloat32(i * 4, fields[field]!, true);
  });
}

interface Modules {
  readonly infer: WasmModule;
  readonly train: WasmModule;
}

let modules: Modules | undefined;
const idle: Device[] = [];

/**
 * Gives the kernel modules ready-made, for hosts that do not compile wasm from bytes (Cloudflare Workers). Elsewhere
 * the modules inside this package are used.
 */
export function useWasm(sources: { infer: WasmSource; train: WasmSource }): void {
  modules = { infer: compile(sources.infer), train: compile(sources.train) };
}

async function loadModules(): Promise<Modules> {
  const [i, t] = await Promise.all([open(infer), open(train)]);
  modules ??= { infer: compile(i), train: compile(t) };
  return modules;
}

/**
 * Lends a device to `work`. Each run has its own, so runs that overlap in time do not share memory; idle ones are kept
 * for the next run. With more than one thread, the device divides the calls of its kernels among so many.
 */
export async function withDevice<T>(work: (device: Device) => Promise<T>, threads = 1): Promise<T> {
  const device = takeIdle(threads) ?? (await createDevice(threads));
  const mark = device.mark();
  try {
    return await work(device);
  } finally {
    device.release(mark);
    idle.push(device);
  }
}

function takeIdle(threads: number): Device | undefined {
  const at = idle.findIndex(({ crew }) => (crew?.threads ?? 1) === threads);
  return at < 0 ? undefined : idle.splice(at, 1)[0];
}

async function createDevice(threads: number): Promise<Device> {
  if (threads > 1) {
    const { createCrewDevice } = await import('./crew.ts');
    const device = await createCrewDevice(threads);
    if (device) return device;
  }
  // Where the host has no threads, one that an earlier run left.
  return takeIdle(1) ?? Device.create();
}

/** The same for work that cannot wait: something must have loaded the modules before. */
export function withDeviceSync<T>(work: (device: Device) => T): T {
  if (!modules) throw internal('the kernel modules are not loaded yet');
  const device = takeIdle(1) ?? new Device(modules);
  const mark = device.mark();
  try {
    return work(device);
  } finally {
    device.release(mark);
    idle.push(device);
  }
}
