/** Training on several threads. A chunk of its own: who does not ask for threads does not load it. */

import { internal } from '../core/errors.ts';
import type { InferKernels, TrainKernels } from '../core/kernels.ts';
import { cut } from '../wasm/cut.ts';
import infer from '../wasm/generated/infer.ts';
import train from '../wasm/generated/train.ts';
import { type Inlined, open, type WasmModule } from '../wasm/instantiate.ts';
import {
  createOpenCalls,
  MOST_CALLS,
  type OpenCalls,
  openParts,
  writeCall,
} from '../wasm/openCalls.ts';
import { Pool } from '../wasm/pool.ts';
import { withSharedMemory } from '../wasm/share.ts';
import { warnOfOneThread, whatIsMissing } from '../wasm/support.ts';
import { lead, type Parts } from '../wasm/team.ts';
import { Device } from './device.ts';
import { divisions, readFields } from './divide.ts';
import type { Args, Memory, Rule, Rules } from './division.ts';

type Kernels = InferKernels & TrainKernels;
type Kernel = (...args: number[]) => void;

/** 2 GiB, which the modules' import allows: see `withSharedMemory`. */
const MOST_PAGES = 32768;

/** A device whose kernels run on `threads` threads, this one included; undefined where the host has none, which it says once. */
export async function createCrewDevice(threads: number): Promise<Device | undefined> {
  const missing = whatIsMissing();
  if (missing) return warnOfOneThread(missing);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: MOST_PAGES, shared: true });
  const modules = await Promise.all([infer, train].map(sharedModule));
  const device = new Device({ infer: modules[0]!, train: modules[1]! }, memory);
  const plain = { ...device.kernels } as unknown as Record<string, Kernel>;
  const calls = createOpenCalls(Object.keys(plain).filter((name) => isKernel(plain[name])));
  try {
    const session = await Pool.get().join(threads - 1, { modules, memory, work: calls });
    forgotten.register(device, session);
    const crew = new Crew(threads, session, plain, calls, {
      fields: (struct, ptr) => readFields(new DataView(memory.buffer), struct, ptr),
      scratch: (bytes) => device.allocate(bytes),
    });
    device.crew = crew;
    Object.assign(device.kernels, crew.kernels());
    return device;
  } catch (error) {
    return warnOfOneThread(`a thread did not start (${(error as Error).message})`);
  }
}

/** Tells the pool when nobody can train on a device any more. */
const forgotten = new FinalizationRegistry<number>((session) => Pool.get().leave(session));

const isKernel = (value: unknown) => typeof value === 'function';

/** Of bytes: hosts that import modules have no threads. */
async function sharedModule(inlined: Inlined): Promise<WasmModule> {
  return WebAssembly.compile(withSharedMemory((await open(inlined)) as Uint8Array<ArrayBuffer>));
}

/** Divides the calls of kernels among the threads of the pool. The bytes are those of one thread. */
export class Crew {
  readonly #parts: Parts;
  /** While `together` collects: the kernel, and the arguments of each of its calls. */
  #collected: { name: string; calls: Args[] } | undefined;
  /** By part, until the step ends. */
  #scratch: { ptr: number; bytes: number }[] = [];

  constructor(
    readonly threads: number,
    readonly session: number,
    readonly plain: Readonly<Record<string, Kernel>>,
    readonly calls: OpenCalls,
    readonly memory: Memory,
  ) {
    this.#parts = openParts(plain, calls);
  }

  /** The kernels, each of which divides its calls if it is worth it. */
  kernels(): Partial<Kernels> {
    const wrapped = this.calls.names.map((name) => {
      const rule = divisions[name as keyof Rules];
      return [name, (...args: number[]) => this.#call(name, rule, args)] as const;
    });
    return Object.fromEntries(wrapped) as unknown as Partial<Kernels>;
  }

  /**
   * Runs `work`, whose calls of one kernel may run at the same time and in any order: they write different bytes, and nothing in
   * `work` reads these.
   */
  together(work: () => void): void {
    if (this.#collected) throw internal('calls that run together are collected twice');
    const collected = { name: '', calls: [] as Args[] };
    this.#collected = collected;
    try {
      work();
    } finally {
      this.#collected = undefined;
    }
    const { name, calls } = collected;
    for (let i = 0; i < calls.length; i += MOST_CALLS)
      this.#run(name, calls.slice(i, i + MOST_CALLS));
  }

  /** Scratch of the call that comes next, while `together` collects; undefined at other times. */
  nextScratch(bytes: number): number | undefined {
    const collected = this.#collected;
    return collected && this.#scratchOf(collected.calls.length, bytes);
  }

  /** The step has ended: its memory belongs to others. */
  forget(): void {
    this.#scratch = [];
  }

  #scratchOf(part: number, bytes: number): number {
    const known = this.#scratch[part];
    if (known && known.bytes >= bytes) return known.ptr;
    const ptr = this.memory.scratch(bytes);
    this.#scratch[part] = { ptr, bytes };
    return ptr;
  }

  #call(name: string, rule: Rule | undefined, args: number[]): unknown {
    if (this.#collected) {
      const { calls, name: known } = this.#collected;
      if (calls.length > 0 && known !== name) throw internal(`${known} and ${name} run together`);
      this.#collected.name = name;
      calls.push(args);
      return undefined;
    }
    if (!rule) return this.plain[name]!(...args);
    let part = 0;
    const scratch = (bytes: number) => this.#scratchOf(part, bytes);
    const division = rule(args, { ...this.memory, scratch });
    const { units, unitCost, grain = 1 } = division;
    const ranges = cut(units, unitCost, grain, Math.min(this.threads, MOST_CALLS / 4));
    if (ranges.length === 1) return this.plain[name]!(...args);
    const calls = ranges.map(([first, count], i) => {
      part = i;
      return division.part(first, count);
    });
    this.#run(name, calls);
    return undefined;
  }

  #run(name: string, calls: readonly Args[]): void {
    calls.forEach((args, i) => {
      writeCall(this.calls, i, args);
    });
    const step = this.calls.names.indexOf(name);
    lead(Pool.get().words, this.session, step, this.#parts[step]!.slice(0, calls.length));
  }
}
