import { rangeError } from '../core/errors.ts';
import type { InferKernels } from '../core/kernels.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { instantiate, type WasmMemory, type WasmModule } from '../wasm/instantiate.ts';
import { type Activation, activationsOf, lifetimes } from './activations.ts';
import { ALIGNMENT, alignUp, type Block, placeBlocks } from './arena.ts';
import { Constants } from './constants.ts';
import { type InputConversion, type Lowered, lowerGraph, type Pass } from './lower.ts';

/** An activation with its address. */
export interface PlannedValue extends Activation {
  readonly ptr: number;
}

export interface PlanOptions {
  /** Samples a run. */
  readonly batch?: number;
  /** Threads that steps are cut for; above 1 the memory is shared and `module` must import a shared one. */
  readonly threads?: number;
}

/** A graph made ready to run: everything decidable before the first input is decided here. */
export interface Plan extends Lowered {
  readonly graph: Graph;
  readonly batch: number;
  readonly memory: WasmMemory;
  readonly kernels: InferKernels;
  readonly activations: ReadonlyMap<ValueId, PlannedValue>;
  /** Everything that has a place in the arena, with the time that it lasts; see `lifetimes`. */
  readonly blocks: readonly Block[];
  /** Sizes in bytes of the two regions of memory. */
  readonly bytes: { readonly constants: number; readonly arena: number };
}

export type { InputConversion };

const PAGE = 65536;
/** 2 GiB: kernels count and address in i32. */
const MOST_PAGES = 32768;

/** Kernels may read up to 16 bytes past their inputs. */
const SLACK = ALIGNMENT;

/**
 *     | 64 unused | constants: packed weights, arrays, params structs | slack | arena: activations, scratch | slack |
 *
 * While packing, the arena's place holds the unpacked weights. Memory has its final size from the start: a plan never
 * grows it. `graph` must be a valid integer graph (`validateGraph`). Throws a RangeError when it does not fit into a memory.
 */
export function makePlan(
  graph: Graph,
  module: WasmModule,
  { batch = 1, threads = 1 }: PlanOptions = {},
): Plan {
  const activations = activationsOf(graph, batch);
  const pass = { graph, batch, threads, activations };
  const sizes = measure(pass);
  const { blocks } = sizes;
  const { offsets } = sizes.placement;
  const arena = alignUp(sizes.constantsEnd + SLACK);
  const arenaBytes = Math.max(sizes.placement.bytes, sizes.stagingBytes);
  const memory = allocate(arena + arenaBytes + SLACK, batch, threads > 1);
  const kernels = instantiate<InferKernels>(module, memory);
  const roots = [...sizes.roots.keys()];
  const addresses = new Map(roots.map((root, i) => [root, arena + offsets[i]!]));
  let nextScratch = roots.length;
  const lowered = lowerGraph({
    ...pass,
    constants: new Constants(ALIGNMENT, { buffer: memory.buffer, staging: arena }),
    kernels,
    addressOf: (root) => addresses.get(root)!,
    scratch: () => arena + offsets[nextScratch++]!,
  });
  const planned = [...activations].map(
    ([id, value]) => [id, { ...value, ptr: addresses.get(value.root)! + value.offset }] as const,
  );
  const bytes = { constants: sizes.constantsEnd - ALIGNMENT, arena: sizes.placement.bytes };
  return {
    ...lowered,
    graph,
    batch,
    memory,
    kernels,
    activations: new Map(planned),
    blocks,
    bytes,
  };
}

/** The sizing pass: places the activations and, after them in the list of blocks, every scratch request in order. */
function measure(pass: Pick<Pass, 'graph' | 'batch' | 'threads' | 'activations'>) {
  const roots = lifetimes(pass.graph, pass.activations);
  const constants = new Constants(ALIGNMENT);
  const scratch: Block[] = [];
  const request = (block: Block) => {
    scratch.push(block);
    return 0;
  };
  lowerGraph({ ...pass, constants, addressOf: () => 0, scratch: request });
  const blocks = [...roots.values(), ...scratch];
  return {
    roots,
    blocks,
    placement: placeBlocks(blocks),
    constantsEnd: constants.end,
    stagingBytes: constants.stagingBytes,
  };
}

function allocate(bytes: number, batch: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE);
  const size = `${Math.ceil(bytes / 2 ** 20)} MiB at batch ${batch}`;
  if (pages > MOST_PAGES) throw rangeError('load', 'the model must fit into 2048 MiB', size);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (cause) {
    throw new Error(`load: this host must give the model's memory of ${size}`, { cause });
  }
}
