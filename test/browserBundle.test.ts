import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

/** A page's script with everything that `entry` exports. */
async function bundle(entry: string) {
  return build({
    stdin: {
      contents: `import * as all from './src/${entry}'; console.log(all);`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
}

describe('esbuild makes a page of the library without a warning or an import', () => {
  test.each(['index.ts', 'runtime.ts'])('%s', async (entry) => {
    const { metafile, outputFiles, warnings } = await bundle(entry);
    expect(warnings).toEqual([]);
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    expect(outputFiles[0]!.text).not.toMatch(/import\(/);
  });
});
