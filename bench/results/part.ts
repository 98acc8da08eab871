/** What a table adds to docs/results.md, and the plot that its part shows. */

import type { Stored } from './store.ts';
import type { Table } from './table.ts';

export const PAGE = 'docs/results.md';

/** Of the files of a table. */
export function pathsOf(name: string) {
  return { cells: `docs/results/${name}.json`, plot: `docs/results/${name}.svg` };
}

export interface Part {
  /** Markdown. */
  readonly text: string;
  /** SVG, once there is something to show. */
  readonly plot: string | undefined;
}

export function partOf<Cell extends object, Outcome>(
  name: string,
  table: Table<Cell, Outcome>,
  find: (cell: Cell) => Stored<Cell, Outcome> | undefined,
): Part {
  const { title, about } = table;
  const plot = table.plot?.(find);
  const picture = plot ? [`![${title}](results/${name}.svg)`] : [];
  return { text: [`## ${title}`, about, ...picture, table.render(find)].join('\n\n'), plot };
}
