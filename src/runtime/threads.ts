/** Sessions on several threads. A chunk of its own: who does not ask for threads does not download it. */

import { typeError } from '../core/errors.ts';
import type { Graph } from '../graph/graph.ts';
import inlined from '../wasm/generated/infer.ts';
import { open, type WasmModule, type WasmSource } from '../wasm/instantiate.ts';
import { Pool } from '../wasm/pool.ts';
import { withSharedMemory } from '../wasm/share.ts';
import { bind, type Call, type Step } from '../wasm/step.ts';
import { warnOfOneThread, whatIsMissing } from '../wasm/support.ts';
import { lead } from '../wasm/team.ts';
import { moduleFrom } from './module.ts';
import { makePlan, type Plan } from './plan.ts';
import { Session } from './session.ts';

export interface ThreadOptions {
  readonly wasm: WasmSource | undefined;
  readonly batch: number;
  readonly threads: number;
}

/** A session on `threads` threads, this one included; undefined where the host cannot share memory, which it says once. */
export async function shareSession(
  graph: Graph,
  { wasm, batch, threads }: ThreadOptions,
): Promise<Session | undefined> {
  const missing = whatIsMissing();
  if (missing) return warnOfOneThread(missing);
  const module = await sharedModule(wasm);
  const plan = makePlan(graph, module, { batch, threads });
  try {
    return new Session(plan, await shareCalls(plan, module, threads));
  } catch (error) {
    return warnOfOneThread(`a thread did not start (${(error as Error).message})`);
  }
}

/** A compiled module cannot be changed; hosts that want one have no threads. */
async function sharedModule(wasm: WasmSource | undefined): Promise<WasmModule> {
  const bytes = wasm ?? (await open(inlined));
  if (bytes instanceof WebAssembly.Module) {
    throw typeError(
      'load',
      'with threads, wasm must be the bytes of octavo/infer.wasm',
      'a Module',
    );
  }
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  return moduleFrom(withSharedMemory(view as Uint8Array));
}

/** Tells the pool when nobody can run a session any more. */
const forgotten = new FinalizationRegistry<number>((session) => Pool.get().leave(session));

/** The calls of a plan: undivided steps run here, divided ones on the pool too. Helpers let go of its memory when they are gone. */
async function shareCalls(plan: Plan, module: WasmModule, threads: number): Promise<Call[]> {
  const pool = Pool.get();
  const steps = plan.nodes.flat();
  const joining = { modules: [module], memory: plan.memory, work: steps };
  const session = await pool.join(threads - 1, joining);
  const share = ({ kernel, parts }: Step, i: number): Call => {
    const calls = parts.map((part) => bind(plan.kernels, kernel, part));
    return calls.length === 1 ? calls[0]! : () => lead(pool.words, session, i, calls);
  };
  const calls = steps.map(share);
  forgotten.register(calls, session);
  return calls;
}
