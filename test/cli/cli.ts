import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));

export interface Exit {
  readonly status: number | null;
  readonly stdout: string;
  /** Lines of stderr. */
  readonly stderr: readonly string[];
}

function run(args: readonly string[], cwd?: string): Exit {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    cwd,
    timeout: 300_000,
  });
  return { status, stdout, stderr: stderr.trim().split('\n') };
}

/** Runs the built command line in a process of its own. */
export function octavo(...args: readonly string[]): Exit {
  return run([dist('cli.js'), ...args]);
}

/** Runs a program that imports the built package as `octavo` or `octavo/runtime`. */
export function program(source: string): Exit {
  const code = source
    .replace("'octavo'", JSON.stringify(dist('index.js')))
    .replace("'octavo/runtime'", JSON.stringify(dist('runtime.js')));
  return run(['--input-type=module', '--eval', code]);
}

/** `inFolder` for work that takes its time. */
export async function inFolderAsync<T>(
  work: (path: (name: string) => string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-test-'));
  try {
    return await work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives `work` a folder that is gone afterwards. */
export function inFolder<T>(work: (path: (name: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-test-'));
  try {
    return work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
