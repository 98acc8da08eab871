/**
 * How threads share the parts of a step, over words in shared memory. The thread that runs a session leads: it opens a
 * step by writing its ticket, takes parts like everybody else, and goes on when all parts are done.
 *
 *     ticket   first << 8 | end of the parts not yet taken. The leader takes the first, helpers the last, so that each
 *              finds most of what it reads in the cache where it wrote it a step ago. A part is taken by one
 *              compare-and-exchange: who succeeds knows that the step is open, because the leader waits for his part
 *              before it opens another
 *     session  which session and step the ticket is about
 *     step
 *     done     parts that have ended
 *     failed   ≠ 0 when a helper could not run its part: the leader must not wait for ever
 *     wake     changes when sleepers are to look up; they wait on it
 *     asleep   how many wait
 *     call     ≠ 0 asks helpers to leave their loop and read their messages
 */

import { internal } from '../core/errors.ts';

/** One word a cache line; the step beside its session. */
const TICKET = 0;
const SESSION = 16;
const STEP = 17;
const DONE = 32;
const FAILED = 33;
const WAKE = 48;
const ASLEEP = 64;
const CALL = 80;
const WORDS = 96;

/**
 * Turns of the loop before a helper goes to sleep: some tens of microseconds, longer than the undivided steps between two
 * divided ones take, shorter than a busy machine would make it pay for.
 */
const PATIENCE = 20_000;

export type Words = Int32Array<SharedArrayBuffer>;

export function createWords(): Words {
  return new Int32Array(new SharedArrayBuffer(4 * WORDS));
}

/** The parts of each step of a session, as this thread calls them. */
export type Parts = readonly (readonly (() => void)[])[];

const isOpen = (ticket: number) => ticket >> 8 < (ticket & 0xff);

/** Takes the first part of the open step: its number, or −1 when none is left. */
function takeFirst(words: Words): number {
  for (;;) {
    const ticket = Atomics.load(words, TICKET);
    if (!isOpen(ticket)) return -1;
    if (Atomics.compareExchange(words, TICKET, ticket, ticket + 256) === ticket) return ticket >> 8;
  }
}

/** The same with the last part. */
function takeLast(words: Words): number {
  for (;;) {
    const ticket = Atomics.load(words, TICKET);
    if (!isOpen(ticket)) return -1;
    if (Atomics.compareExchange(words, TICKET, ticket, ticket - 1) === ticket) {
      return (ticket & 0xff) - 1;
    }
  }
}

/** A page's main thread must not wait. */
const mayWait = !('document' in globalThis);

/** Runs step `step` of session `session` with whoever helps. Called by the leader alone. */
export function lead(words: Words, session: number, step: number, parts: Parts[number]): void {
  Atomics.store(words, DONE, 0);
  Atomics.store(words, SESSION, session);
  Atomics.store(words, STEP, step);
  Atomics.store(words, TICKET, parts.length);
  if (Atomics.load(words, ASLEEP) > 0) wake(words);
  let mine = 0;
  for (let part = takeFirst(words); part >= 0; part = takeFirst(words)) {
    parts[part]!();
    mine++;
  }
  const others = parts.length - mine;
  let turns = 0;
  for (let done = Atomics.load(words, DONE); done < others; done = Atomics.load(words, DONE)) {
    // Who has the last part may have lost its core: on a busy machine, leave it ours for 50 µs at a time.
    if (++turns > PATIENCE && mayWait) Atomics.wait(words, DONE, done, 0.05);
  }
  if (Atomics.exchange(words, FAILED, 0) !== 0) throw internal('a part failed on another thread');
}

/** Helps with every step until it is called away. `sessions` are those that this thread knows. */
export function help(words: Words, sessions: ReadonlyMap<number, Parts>): void {
  let idle = 0;
  while (Atomics.load(words, CALL) === 0) {
    const seen = Atomics.load(words, WAKE);
    const part = takeLast(words);
    if (part >= 0) {
      const steps = sessions.get(Atomics.load(words, SESSION))!;
      try {
        steps[Atomics.load(words, STEP)]![part]!();
      } catch {
        Atomics.store(words, FAILED, 1);
      }
      Atomics.add(words, DONE, 1);
      idle = 0;
    } else if (++idle > PATIENCE) {
      Atomics.add(words, ASLEEP, 1);
      // A step that was opened before the count went up shows in the ticket, one opened after it in `wake`.
      if (!isOpen(Atomics.load(words, TICKET)) && Atomics.load(words, CALL) === 0) {
        Atomics.wait(words, WAKE, seen);
      }
      Atomics.sub(words, ASLEEP, 1);
      idle = 0;
    }
  }
}

/** Makes every helper leave its loop, so that it can read messages; `dismiss` lets them stay in it again. */
export function call(words: Words): void {
  Atomics.add(words, CALL, 1);
  wake(words);
}

export function dismiss(words: Words): void {
  Atomics.sub(words, CALL, 1);
}

function wake(words: Words): void {
  Atomics.add(words, WAKE, 1);
  Atomics.notify(words, WAKE);
}
