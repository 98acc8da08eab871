import { checkInteger, checkOptions } from '../core/errors.ts';
import type { WasmSource } from '../wasm/instantiate.ts';
import { moduleFrom } from './module.ts';
import { openBundle } from './open.ts';
import { makePlan } from './plan.ts';
import { Session } from './session.ts';

export interface LoadOptions {
  /** The inference kernels (`octavo/infer.wasm`), for hosts that do not compile WebAssembly from bytes. */
  readonly wasm?: WasmSource;
  /** Samples a run. */
  readonly batch?: number;
  /**
   * Threads that share the work of a run, this one included: 1 by default. Hosts without shared memory or workers (Cloudflare
   * Workers, pages that are not cross-origin isolated) say so once and use one. `wasm`, if given, must then be bytes. The
   * integers are the same for any number.
   */
  readonly threads?: number;
}

/** More than any machine has use for. */
const MOST_THREADS = 64;

/**
 * Makes a bundle ready to run. Its arrays are copied: `bytes` may change afterwards. Throws a TypeError or RangeError
 * that says what is wrong with the bundle or an option.
 */
export async function load(
  bytes: Uint8Array | ArrayBuffer,
  options: LoadOptions = {},
): Promise<Session> {
  checkOptions('load', options, ['wasm', 'batch', 'threads']);
  const { wasm, batch = 1, threads = 1 } = options;
  checkInteger('load', 'batch', batch, 1);
  checkInteger('load', 'threads', threads, 1, MOST_THREADS);
  // Hosts compile on another thread, while this one reads the bundle.
  const early = moduleFrom(wasm);
  early.catch(() => {});
  const { bundle, inlined } = await openBundle(bytes);
  const { graph } = bundle;
  if (threads > 1) {
    const { shareSession } = await import('./threads.ts');
    const session = await shareSession(graph, { wasm, batch, threads });
    if (session) return session;
  }
  const module = inlined && !wasm ? await moduleFrom(undefined, inlined) : await early;
  return new Session(makePlan(graph, module, { batch }));
}
