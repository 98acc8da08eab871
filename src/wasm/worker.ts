/** What a helper thread runs. The build bundles it into a string, from which the pool starts it on every host. */

import type { InferKernels } from '../core/kernels.ts';
import { instantiate, type WasmMemory, type WasmModule } from './instantiate.ts';
import { type OpenCalls, openParts } from './openCalls.ts';
import { bind, type Step } from './step.ts';
import { help, type Parts, type Words } from './team.ts';

/** What a session brings to its helpers. */
export interface Joining {
  readonly modules: readonly WasmModule[];
  readonly memory: WasmMemory;
  readonly work: readonly Step[] | OpenCalls;
}

/** What the pool tells a helper. */
export type Message =
  | { readonly kind: 'start'; readonly words: Words }
  | ({ readonly kind: 'join'; readonly session: number } & Joining)
  | { readonly kind: 'leave'; readonly session: number }
  | { readonly kind: 'help' };

/** The side of a message port that both kinds of worker have. */
interface Port {
  postMessage(message: unknown): void;
  onMessage(handler: (message: Message) => void): void;
}

const sessions = new Map<number, Parts>();
let words: Words;

serve(portOf());

function serve(port: Port): void {
  port.onMessage((message) => {
    if (message.kind === 'start') words = message.words;
    else if (message.kind === 'leave') sessions.delete(message.session);
    else if (message.kind === 'join') sessions.set(message.session, partsOf(message));
    else help(words, sessions);
    if (message.kind === 'join') port.postMessage(message.session);
  });
}

function partsOf({ modules, memory, work }: Joining): Parts {
  const kernels = Object.assign(
    {},
    ...modules.map((module) => instantiate<InferKernels>(module, memory)),
  );
  if ('names' in work) return openParts(kernels, work);
  return work.map(({ kernel, parts }) => parts.map((part) => bind(kernels, kernel, part)));
}

function portOf(): Port {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort;
  if (node) {
    return {
      postMessage: (message) => node.postMessage(message),
      onMessage: (handler) => node.on('message', handler),
    };
  }
  const scope = globalThis as unknown as Worker;
  return {
    postMessage: (message) => scope.postMessage(message),
    onMessage: (handler) => {
      scope.onmessage = ({ data }) => handler(data as Message);
    },
  };
}
