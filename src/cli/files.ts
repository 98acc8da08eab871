import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** Reads a file; a failure is one sentence that names it. */
export async function readBytes(path: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    throw new Error(`${what}: expected a readable file at ${path}, got ${reason(error)}`);
  }
}

/** Writes under another name first, so that a half-written file never replaces a good one. */
export async function writeBytes(path: string, bytes: Uint8Array, what: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Error(`${what}: expected a place to write at ${path}, got ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EISDIR: 'a folder',
    EACCES: 'no permission',
    ENOSPC: 'a full disk',
  };
  return known[code ?? ''] ?? String(error);
}
