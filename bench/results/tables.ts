/** The tables of docs/results.md by name. */

import { cifarTables } from './cifarTables.ts';
import { fashionTable } from './fashionTable.ts';
import { imagenetTable } from './imagenetTable.ts';
import type { Table } from './table.ts';

export const tables: Readonly<Record<string, Table>> = {
  ...cifarTables,
  fashion: fashionTable,
  imagenet: imagenetTable,
};
