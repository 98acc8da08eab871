/**
 * Checkpoints as files. It asks the process for Node's modules by name, as `data/node.ts` does: an import of them would stop
 * every bundler that makes a page of the library.
 */

import { typeError } from '../core/errors.ts';
import { fileProblem } from '../core/fileProblem.ts';

/** As Deno and Bun have it too. */
function fileSystem(where: string): typeof import('node:fs/promises') {
  const get = globalThis.process?.getBuiltinModule;
  if (get) return get('node:fs/promises');
  throw typeError(where, 'a host with files: Node 20.16 or later, Deno or Bun', 'another');
}

/**
 * Puts a file in the place of the one at `path` in one go: whatever moment the process or the machine stops at, there is
 * either the old one or the new one, whole. What was written before a failure is removed. Throws an Error that names the path.
 */
export async function replaceFile(path: string, bytes: Uint8Array, where: string): Promise<void> {
  const fs = fileSystem(where);
  const target = await fs.realpath(path).catch(() => path);
  // One name, so that killed processes do not leave one file each.
  const temporary = `${target}.tmp`;
  try {
    const file = await fs.open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    const got = fileProblem(error);
    throw new Error(`${where}: expected a place to write a checkpoint at ${path}, got ${got}`);
  }
  await syncFolder(fs, target);
}

/** The new name, too, is on the disk when this is done, where the host can do that. */
async function syncFolder(fs: typeof import('node:fs/promises'), path: string): Promise<void> {
  const folder = path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || (path[0] === '/' ? '/' : '.');
  const handle = await fs.open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** The bytes of a file; undefined when there is none. Throws an Error that names the path. */
export async function readIfThere(path: string, where: string): Promise<Uint8Array | undefined> {
  const fs = fileSystem(where);
  try {
    return await fs.readFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    const got = fileProblem(error);
    throw new Error(`${where}: expected a readable checkpoint at ${path}, got ${got}`);
  }
}
