/** A table of docs/results.md: which cells it has, and how they are shown. */

import type { Stored } from './store.ts';

export interface ImageFolder {
  readonly folder: string;
  /** Of the environment. */
  readonly variable: string;
}

/** One figure, or some that are found together, as JSON. */
export interface Table<Cell extends object = object, Outcome = unknown> {
  readonly title: string;
  /** What was done, in a few sentences of Markdown. */
  readonly about: string;
  /** Where its images are, and what says that they are elsewhere; the data folder unless given. */
  readonly images?: ImageFolder;
  readonly cells: readonly Cell[];
  /** Of a cell, for progress and `--only`. */
  nameOf(cell: Cell): string;
  run(cell: Cell): Promise<Outcome>;
  /** Rows of Markdown from the cells that there are. */
  render(find: (cell: Cell) => Stored<Cell, Outcome> | undefined): string;
  /** The same as an SVG, once there is something to show. */
  plot?(find: (cell: Cell) => Stored<Cell, Outcome> | undefined): string | undefined;
}
