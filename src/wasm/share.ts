import { rangeError } from '../core/errors.ts';

const IMPORT_SECTION = 2;
const MEMORY = 2;
/** Of limits: there is a maximum, and the memory is shared. */
const SHARED = 3;
/** 32,768 as LEB128: a plan takes no more pages. */
const MAXIMUM = [0x80, 0x80, 0x02];

/**
 * The bytes of a kernel module that imports a shared memory where `bytes` imports a plain one. Nothing else differs: kernels are
 * given ranges that do not overlap, and need no atomic instructions. Module format: WebAssembly core specification, §5.5.
 */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 8;
  while (at < bytes.length) {
    const [size, start] = leb(bytes, at + 1);
    if (bytes[at] === IMPORT_SECTION) return patched(bytes, at, start, start + size);
    at = start + size;
  }
  throw rangeError('load', 'wasm must be the octavo inference module, with imports', 'none');
}

/** The import section from `from` on, whose content is [start, end): one import, the memory. */
function patched(bytes: Uint8Array, from: number, start: number, end: number) {
  let at = leb(bytes, start)[1];
  for (let name = 0; name < 2; name++) {
    const [length, text] = leb(bytes, at);
    at = text + length;
  }
  if (bytes[start] !== 1 || bytes[at] !== MEMORY) {
    throw rangeError('load', 'wasm must import one memory', `kind ${bytes[at]}`);
  }
  const [minimum] = leb(bytes, at + 2);
  const content = [...bytes.subarray(start, at + 1), SHARED, minimum, ...MAXIMUM];
  return Uint8Array.of(
    ...bytes.subarray(0, from),
    IMPORT_SECTION,
    content.length,
    ...content,
    ...bytes.subarray(end),
  );
}

/** An unsigned LEB128 number and the position behind it. */
function leb(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}
