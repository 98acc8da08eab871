/** Tables of labels, for Node: the parser of CSV wants its Buffer. */

import { parse } from 'csv-parse/sync';
import { rangeError } from '../core/errors.ts';

/** A line of a table of labels. */
export interface Labelled {
  /** Where there is a column of this name. */
  readonly file?: string;
  /** From 0. */
  readonly classIndex: number;
  /** Of the table, from 1. */
  readonly line: number;
}

/** Names of the column with the class, the first one that there is. */
const CLASS_COLUMNS = ['class_index', 'label'];

/**
 * The classes in a CSV file, in its order. The first line may name the columns, of which `file` and `class_index` (or
 * `label`) are read; without such a line there must be one column. A class is its index, or one of `names`. `path` names the
 * file in messages. Throws an Error that starts with `where`.
 */
export function parseLabelled(
  where: string,
  path: string,
  bytes: Uint8Array,
  names: readonly string[] = [],
): Labelled[] {
  const [first, ...rest] = parseCsv(where, path, bytes);
  if (!first) throw rangeError(where, `there must be a label in ${path}`, 'none');
  const column = CLASS_COLUMNS.map((name) => first.cells.indexOf(name)).find((at) => at >= 0);
  if (column === undefined && first.cells.length > 1) {
    const expected = `the first line of ${path} must name a column ${CLASS_COLUMNS.join(' or ')}`;
    throw rangeError(where, expected, first.cells.join(','));
  }
  const file = first.cells.indexOf('file');
  const lines = column === undefined ? [first, ...rest] : rest;
  if (lines.length === 0) throw rangeError(where, `there must be a label in ${path}`, 'none');
  return lines.map(({ cells, line }) => ({
    classIndex: classOf(`${where}: ${path}: line ${line}`, cells[column ?? 0] ?? '', names),
    line,
    ...(file >= 0 && { file: cells[file] ?? '' }),
  }));
}

function classOf(place: string, cell: string, names: readonly string[]): number {
  const named = names.indexOf(cell);
  if (named >= 0) return named;
  if (/^\d{1,9}$/.test(cell)) return Number(cell);
  const name = names.length > 0 ? ', or one of the names of classes' : '';
  throw rangeError(place, `expected the index of a class${name}`, cell || 'nothing');
}

interface Line {
  readonly cells: readonly string[];
  /** From 1. */
  readonly line: number;
}

function parseCsv(where: string, path: string, bytes: Uint8Array): Line[] {
  const options = { bom: true, info: true, relax_column_count: true, trim: true } as const;
  try {
    const records = parse(Buffer.from(bytes), { ...options, skip_empty_lines: true });
    return (records as unknown as { record: string[]; info: { lines: number } }[]).map(
      ({ record, info }) => ({ cells: record, line: info.lines }),
    );
  } catch (error) {
    throw rangeError(where, `${path} must be a CSV file`, (error as Error).message);
  }
}
