import workerSource from './generated/worker.ts';
import { call, createWords, dismiss, type Words } from './team.ts';
import type { Joining, Message } from './worker.ts';

/** A helper thread, of whichever kind the host has. */
interface Helper {
  send(message: Message): void;
  /** Whether the process stays alive for it. */
  keepAlive(alive: boolean): void;
}

/** The helper threads of this thread: one pool, which grows to the largest number asked for and stays. */
export class Pool {
  static #only: Pool | undefined;
  readonly words: Words = createWords();
  readonly #helpers: Helper[] = [];
  /** Sessions that some helpers do not know yet. */
  readonly #waiting = new Map<number, { left: number; done(): void; failed(error: Error): void }>();
  /** Those that somebody can still run: helpers that start later learn them too. */
  readonly #sessions = new Map<number, Joining>();
  #next = 0;

  static get(): Pool {
    Pool.#only ??= new Pool();
    return Pool.#only;
  }

  /** Makes a session known to at least `helpers` helpers and gives its number. Rejects when a helper cannot start. */
  async join(helpers: number, joining: Joining): Promise<number> {
    const session = this.#next++;
    call(this.words);
    try {
      await new Promise<void>((done, failed) => {
        while (this.#helpers.length < helpers) this.#helpers.push(this.#start());
        this.#sessions.set(session, joining);
        this.#waiting.set(session, { left: this.#helpers.length, done, failed });
        for (const helper of this.#helpers) {
          helper.keepAlive(true);
          helper.send({ kind: 'join', session, ...joining });
        }
      });
    } catch (error) {
      this.#sessions.delete(session);
      throw error;
    } finally {
      this.#waiting.delete(session);
      dismiss(this.words);
      this.#help();
    }
    return session;
  }

  /** Helpers forget a session and its memory, as soon as they look up. */
  leave(session: number): void {
    this.#sessions.delete(session);
    call(this.words);
    for (const helper of this.#helpers) helper.send({ kind: 'leave', session });
    dismiss(this.words);
    this.#help();
  }

  /** A process may end while helpers help, but not while somebody waits for one of them to join. */
  #help(): void {
    for (const helper of this.#helpers) {
      helper.keepAlive(this.#waiting.size > 0);
      helper.send({ kind: 'help' });
    }
  }

  #start(): Helper {
    const joined = (session: number) => {
      const waiting = this.#waiting.get(session);
      if (waiting && --waiting.left === 0) waiting.done();
    };
    // A helper that cannot start would never join: later sessions try with another one.
    const failed = (error: Error) => {
      this.#helpers.splice(this.#helpers.indexOf(helper), 1);
      for (const waiting of this.#waiting.values()) waiting.failed(error);
    };
    const helper = startHelper(joined, failed);
    helper.send({ kind: 'start', words: this.words });
    for (const [session, joining] of this.#sessions) {
      helper.send({ kind: 'join', session, ...joining });
      const waiting = this.#waiting.get(session);
      if (waiting) waiting.left++;
    }
    return helper;
  }
}

function startHelper(joined: (session: number) => void, failed: (error: Error) => void): Helper {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (node) {
    const worker = new node.Worker(workerSource, { eval: true });
    worker.on('message', joined);
    worker.on('error', failed);
    return {
      send: (message) => worker.postMessage(message),
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    };
  }
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  worker.onmessage = ({ data }) => joined(data as number);
  worker.onerror = ({ message }) => failed(new Error(message));
  return { send: (message) => worker.postMessage(message), keepAlive: () => {} };
}
