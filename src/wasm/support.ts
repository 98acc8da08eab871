/** Whether a host has what threads need. */

/** What is missing, if something is. */
export function whatIsMissing(): string | undefined {
  if (typeof SharedArrayBuffer === 'undefined') return 'this host has no shared memory';
  if (globalThis.crossOriginIsolated === false) return 'the page is not cross-origin isolated';
  const workers =
    globalThis.process?.getBuiltinModule?.('node:worker_threads') ?? globalThis.Worker;
  return workers ? undefined : 'this host has no workers';
}

let warned = false;

/** Says once why there is one thread only. */
export function warnOfOneThread(reason: string): undefined {
  if (!warned) console.warn(`octavo: running on one thread: ${reason}`);
  warned = true;
}
