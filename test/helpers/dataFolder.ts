import { join, resolve } from 'node:path';

/** The folder of real models and images: $OCTAVO_DATA, or `shared/data` beside the checkout. It is not part of the repository. */
export const dataFolder = resolve(process.env['OCTAVO_DATA'] ?? '../shared/data');

/** The path of a file of that folder. */
export function dataPath(path: string): string {
  return join(dataFolder, path);
}
