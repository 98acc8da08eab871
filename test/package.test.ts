import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'octavo-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

if (!existsSync('dist/types'))
  throw new Error('npm run build makes the types that this test wants');

/** What npm would publish. The build is that of `npm test`. */
const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
) as [Packed];
const tarball = readFileSync(join(folder, packed.filename));
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

describe('the package', () => {
  test('has every file that its exports name', () => {
    const paths = packed.files.map(({ path }) => `./${path}`);
    const named = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? target : Object.values(target as Record<string, string>),
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !paths.includes(path))).toEqual([]);
    expect(existsSync(manifest.bin.octavo)).toBe(true);
  });

  test('has every file that its scripts import, and the modules of Workers as files', () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    const scripts = [...paths].filter((path) => /^dist\/.*\.js$/.test(path));
    const missing = scripts.flatMap((path) => {
      const text = readFileSync(path, 'utf8');
      const imports = [...text.matchAll(/(?:from|import)\s*\(?"(\.{1,2}\/[^"]+)"/g)];
      return imports.map(([, target]) => join(path, '..', target!)).filter((to) => !paths.has(to));
    });
    expect(missing).toEqual([]);
    const workerd = scripts.filter((path) => path.startsWith('dist/workerd/'));
    const text = workerd.map((path) => readFileSync(path, 'utf8')).join('');
    expect(text).toContain('../infer.wasm');
    expect(text).toContain('../train.wasm');
  });

  test('satisfies publint', async () => {
    const { messages } = await publint({ pack: { tarball: tarball.buffer as ArrayBuffer } });
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  test('has types that resolve as its scripts do, by attw', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
    expect(analysis.types).toBeTruthy();
    const { problems } = analysis as {
      problems: readonly { kind: string; resolutionKind?: string }[];
    };
    // Modules only: Node ≥ 20 and bundlers.
    const ours = problems.filter(({ resolutionKind }) => {
      return resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs';
    });
    expect(ours).toEqual([]);
  });
});
