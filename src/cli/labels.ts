import { type Labelled, parseLabelled } from '../data/labels.ts';
import { readBytes } from './files.ts';

/** The classes in a CSV file, in its order. Throws an Error that starts with `where`. */
export async function readLabelled(where: string, path: string): Promise<Labelled[]> {
  return parseLabelled(where, path, await readBytes(path, where));
}
