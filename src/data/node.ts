/**
 * Files for the datasets. The only file of the library that needs Node's modules. Each is imported where it is used: a
 * bundler that makes one file of the library would otherwise lift the imports to its top, and hosts without these modules
 * could not load it.
 */

/** Far above every IDX file we know; a small .gz can promise much more. */
const MAX_BYTES = 2 ** 30;

/** Reads `folder`/`name` or `folder`/`name`.gz. `where` starts the message of an Error when neither can be read. */
export async function readIdxFile(
  folder: string,
  name: string,
  where: string,
): Promise<Uint8Array> {
  for (const file of [name, `${name}.gz`]) {
    const bytes = await readIfThere(`${folder}/${file}`);
    if (bytes)
      return bytes[0] === 0x1f && bytes[1] === 0x8b ? unzip(bytes, `${where}: ${file}`) : bytes;
  }
  const got = (await isFolder(folder)) ? 'a folder without it' : 'no such folder';
  throw new Error(`${where}: expected ${name} or ${name}.gz in ${folder}, got ${got}`);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function unzip(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  const { promisify } = await import('node:util');
  const { gunzip } = await import('node:zlib');
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    throw new Error(`${where}: the file must be whole gzip data, got ${(error as Error).message}`);
  }
}

async function isFolder(path: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises');
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/**
 * The folder of an installed package: found from the program's working folder, where a project keeps its data packages,
 * or from the library itself. Throws an Error that names what to install.
 */
export async function packageFolder(name: string, where: string): Promise<string> {
  const { createRequire } = await import('node:module');
  const { dirname, join } = await import('node:path');
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // The next place.
    }
  }
  const advice = `npm install ${name}, or name a folder with the IDX files`;
  throw new Error(`${where}: expected the package ${name} (${advice}), got no such package`);
}
