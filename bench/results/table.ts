/** A table of docs/results.md: which cells it has, and how they are shown. */

import type { Stored } from './store.ts';

/** One figure, or some that are found together, as JSON. */
export interface Table<Cell extends object = object, Outcome = unknown> {
  readonly title: string;
  /** What was done, in a few sentences of Markdown. */
  readonly about: string;
  readonly cells: readonly Cell[];
  /** Of a cell, for progress and `--only`. */
  nameOf(cell: Cell): string;
  run(cell: Cell): Promise<Outcome>;
  /** Rows of Markdown from the cells that there are. */
  render(find: (cell: Cell) => Stored<Cell, Outcome> | undefined): string;
}
