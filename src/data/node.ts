/**
 * Files for the datasets. The only file behind `octavo` itself that needs Node's modules. It asks the process for them by
 * name: an import of them, static or not, would stop every bundler that makes a page of the library. (Images, which need
 * packages besides, have the entry `octavo/images`.)
 */

import { typeError } from '../core/errors.ts';

/** The modules of Node, as Deno and Bun have them too (Node 20.16 and later). */
function builtins(where: string) {
  const get = globalThis.process?.getBuiltinModule;
  if (!get)
    throw typeError(where, 'a host with files: Node 20.16 or later, Deno or Bun', 'another');
  return {
    fs: get('node:fs/promises'),
    path: get('node:path'),
    zlib: get('node:zlib'),
    createRequire: get('node:module').createRequire,
    promisify: get('node:util').promisify,
  };
}

/** Far above every data set we know; a small .gz can promise much more. */
const MAX_BYTES = 2 ** 30;

/** Reads `folder`/`name` or `folder`/`name`.gz. `where` starts the message of an Error when neither can be read. */
export async function readDataFile(
  folder: string,
  name: string,
  where: string,
): Promise<Uint8Array> {
  for (const file of [name, `${name}.gz`]) {
    const bytes = await readIfThere(`${folder}/${file}`, where);
    if (bytes)
      return bytes[0] === 0x1f && bytes[1] === 0x8b ? unzip(bytes, `${where}: ${file}`) : bytes;
  }
  const got = await kindOf(folder, where);
  throw new Error(`${where}: expected ${name} or ${name}.gz in ${folder}, got ${got}`);
}

/** Nothing when there is no such file, or no such file but a folder. */
async function readIfThere(path: string, where: string): Promise<Uint8Array | undefined> {
  try {
    return await builtins(where).fs.readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw new Error(`${where}: expected a readable file at ${path}, got ${message}`);
  }
}

async function unzip(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  const { promisify, zlib } = builtins(where);
  try {
    return await promisify(zlib.gunzip)(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    throw new Error(`${where}: the file must be whole gzip data, got ${(error as Error).message}`);
  }
}

async function kindOf(folder: string, where: string): Promise<string> {
  return builtins(where)
    .fs.stat(folder)
    .then(
      (entry) => (entry.isDirectory() ? 'a folder without it' : 'a file'),
      () => 'no such folder',
    );
}

/**
 * The folder of an installed package: found from the program's working folder, where a project keeps its data packages,
 * or from the library itself. Throws an Error that names what to install.
 */
export async function packageFolder(name: string, where: string): Promise<string> {
  const { createRequire, path } = builtins(where);
  for (const from of [path.join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return path.dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // The next place.
    }
  }
  const advice = `npm install ${name}, or name a folder with the IDX files`;
  throw new Error(`${where}: expected the package ${name} (${advice}), got no such package`);
}
