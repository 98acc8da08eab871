import {
  access,
  constants,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { readBundle } from '../bundle/read.ts';
import { rangeError } from '../core/errors.ts';
import { fileProblem } from '../core/fileProblem.ts';

/** Reads a file; a failure is one sentence that names it. */
export async function readBytes(path: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    throw new Error(`${what}: expected a readable file at ${path}, got ${fileProblem(error)}`);
  }
}

/** Reads a file that looks like a bundle, whose header is JSON behind 8 bytes; other files are named in one sentence. */
export async function readBundleBytes(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readBytes(path, what);
  if (bytes[8] === '{'.charCodeAt(0)) return checkedBundle(path, bytes, what);
  const isModel = String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3';
  const got = isModel ? 'a .tflite model (octavo import makes a bundle of it)' : 'another file';
  throw rangeError(what, `expected a bundle at ${path}`, got);
}

/** A file that begins like a bundle, and is none, is named with what is wrong in it. */
function checkedBundle(path: string, bytes: Uint8Array, what: string): Uint8Array {
  try {
    readBundle(bytes);
    return bytes;
  } catch (error) {
    throw new RangeError(`${what}: ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Writes under another name first, so that a half-written file never replaces a good one. What is there and is no file
 * (a pipe, a device) is written to as it is; a link keeps pointing to its file.
 */
export async function writeBytes(path: string, bytes: Uint8Array, what: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const special = await stat(target).then(
    (entry) => !entry.isFile(),
    () => false,
  );
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    if (special) {
      await writeFile(target, bytes);
      return;
    }
    await writeFile(temporary, bytes);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw noPlace(path, what, fileProblem(error));
  }
}

/** Throws now if `writeBytes` would throw later for want of a place. */
export async function checkPlace(path: string, what: string): Promise<void> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isDirectory()) throw noPlace(path, what, 'a folder');
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw noPlace(path, what, fileProblem(error));
  }
}

function noPlace(path: string, what: string, got: string): Error {
  return new Error(`${what}: expected a place to write at ${path || 'an empty name'}, got ${got}`);
}
