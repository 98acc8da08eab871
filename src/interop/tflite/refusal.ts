/** What an op handler throws for something that the importer does not support. Its message completes "op at place: …". */
export class Refusal extends Error {}

/** A refusal that says what was expected and what the file has. */
export function refuse(expected: string, got: unknown): Refusal {
  const shown = Array.isArray(got) ? `[${got}]` : String(got);
  return new Refusal(`expected ${expected}, got ${shown}`);
}

/** Warnings by kind: of many alike, the first is told and the rest are counted. */
export class Warnings {
  readonly #seen = new Map<string, { first: string; more: number }>();

  add(kind: string, message: string): void {
    const known = this.#seen.get(kind);
    if (known) known.more++;
    else this.#seen.set(kind, { first: message, more: 0 });
  }

  flush(tell: (message: string) => void): void {
    for (const { first, more } of this.#seen.values()) {
      tell(more === 0 ? first : `${first} (and ${more} more like it)`);
    }
  }
}
