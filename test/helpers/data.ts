import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'vitest';

/** The folder of real models and images: $OCTAVO_DATA, or `shared/data` beside the checkout. It is not part of the repository. */
export const dataFolder = resolve(process.env['OCTAVO_DATA'] ?? '../shared/data');

/** The path of a file of that folder. */
export function dataPath(path: string): string {
  return join(dataFolder, path);
}

/**
 * A suite over files of the data folder. Where one of them is missing the suite is skipped, and its name says so; with
 * OCTAVO_DATA_REQUIRED=1, which `.ci/run` sets when the folder is there, it fails.
 */
export function describeWithData(name: string, files: readonly string[], suite: () => void): void {
  const missing = [dataFolder, ...files.map(dataPath)].find((path) => !existsSync(path));
  if (missing === undefined) {
    describe(name, suite);
  } else if (process.env['OCTAVO_DATA_REQUIRED'] === '1') {
    test(`${name}: the data is there`, () => {
      throw new Error(`data: expected ${missing}, got no such file`);
    });
  } else {
    test.skip(`${name} (skipped: there is no ${missing})`, () => {});
  }
}
