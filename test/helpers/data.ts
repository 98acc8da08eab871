import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { dataFolder, dataPath } from './dataFolder.ts';

export { dataFolder, dataPath };

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
