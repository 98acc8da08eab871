/** Figures that took long to find, kept in docs/results/NAME.json under a digest of what gave them. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Stored<Config, Outcome> {
  readonly digest: string;
  readonly config: Config;
  readonly outcome: Outcome;
  /** Of one core, with whatever else the machine did. */
  readonly minutes: number;
}

/** Of a configuration: the same for the same entries in another order. */
export function digestOf(config: object): string {
  const entries = Object.entries(config).filter(([, value]) => value !== undefined);
  const text = JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The figures of one table. Each that is added is on disk before the next is looked for. */
export class Store<Config extends object, Outcome> {
  readonly #stored = new Map<string, Stored<Config, Outcome>>();

  constructor(readonly path: string) {
    if (!existsSync(path)) return;
    const known = JSON.parse(readFileSync(path, 'utf8')) as Stored<Config, Outcome>[];
    // A configuration that was changed by hand is another one.
    for (const one of known) this.#stored.set(digestOf(one.config), one);
  }

  get(config: Config): Stored<Config, Outcome> | undefined {
    return this.#stored.get(digestOf(config));
  }

  add(config: Config, outcome: Outcome, minutes: number): void {
    const digest = digestOf(config);
    this.#stored.set(digest, { digest, config, outcome, minutes });
    const lines = [...this.#stored.values()].map((one) => JSON.stringify(one));
    writeWhole(this.path, `[\n${lines.join(',\n')}\n]\n`);
  }
}

/** Under another name first: an interrupted program leaves the old file. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${process.pid}.tmp`);
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** The text between `<!-- name -->` and `<!-- /name -->` replaced, or both appended. */
export function replacePart(text: string, name: string, part: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const whole = `${open}\n${part.trim()}\n${close}`;
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < 0) return `${text.trimEnd()}\n\n${whole}\n`;
  return text.slice(0, from) + whole + text.slice(to + close.length);
}
