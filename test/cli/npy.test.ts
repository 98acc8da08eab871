import { describe, expect, test } from 'vitest';
import { readNpy, writeNpy } from '../../src/cli/npy.ts';

/** A .npy file with this header. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(`${header}\n`, 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]);
  return new Uint8Array(Buffer.concat([magic, length, text, data]));
}

const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;

describe('an .npy file', () => {
  test.each([
    [Uint8Array.of(1, 255, 3, 4, 5, 6), [2, 3]],
    [Int8Array.of(-128, 127), [2]],
    [Float32Array.of(0.5, -1e30), [1, 2, 1]],
    [Float64Array.of(Math.PI), []],
    [Int32Array.of(-(2 ** 31)), [1]],
  ])('%o comes back', (data, shape) => {
    const file = writeNpy(data, shape);
    expect(readNpy(file, 'x')).toEqual({ shape, data });
    // An array at an odd address.
    const moved = new Uint8Array(file.length + 1);
    moved.set(file, 1);
    expect(readNpy(moved.subarray(1), 'x')).toEqual({ shape, data });
  });

  test('starts as NumPy writes it', () => {
    const file = writeNpy(Uint8Array.of(7, 8), [2]);
    const head = Buffer.from(file).toString('latin1', 0, 128);
    const dictionary = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }";
    expect(head).toBe(
      `\x93NUMPY\x01\x00\x76\x00${dictionary}${' '.repeat(117 - dictionary.length)}\n`,
    );
    expect([...file.subarray(128)]).toEqual([7, 8]);
  });

  test.each([1, 2, 3])('of version %i is read', (version) => {
    const file = npy(header('<f4', '1, 2'), new Uint8Array(Float32Array.of(1, 2).buffer), version);
    expect(readNpy(file, 'x')).toEqual({ shape: [1, 2], data: Float32Array.of(1, 2) });
  });

  test.each([
    [npy(header('<i8', '1,'), new Uint8Array(8)), /^x: elements must be one of .*<f4.*, got <i8$/],
    [npy(header('>f4', '1,'), new Uint8Array(4)), /^x: elements must be one of .*, got >f4$/],
    [
      npy(header('|u1', '1,', 'True'), new Uint8Array(1)),
      /^x: fortran_order must be False, got True$/,
    ],
    [
      npy(header('|u1', '2, 3'), new Uint8Array(5)),
      /^x: an array \[2,3\] of \|u1 must have 6 bytes, got 5$/,
    ],
    [
      npy('{}', new Uint8Array(5)),
      /^x: the header must have descr, fortran_order and shape, got \{\}/,
    ],
    [new Uint8Array(4), /^x: the file must start as a .npy file does, got 4 bytes$/],
  ])('%# is refused', (file, message) => {
    expect(() => readNpy(file, 'x')).toThrow(message);
  });
});
