import { crc32 as zlibCrc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from '../../src/core/crc32.ts';
import { Rng } from '../../src/core/rng.ts';

test('crc32 is that of zlib, however the bytes are cut', () => {
  const text = new TextEncoder().encode('123456789');
  // The check value of the standard.
  expect(crc32([text])).toBe('cbf43926');
  expect(crc32([text.subarray(0, 4), text.subarray(4)])).toBe('cbf43926');
  expect(crc32([])).toBe('00000000');
  const rng = new Rng(21);
  const bytes = Uint8Array.from({ length: 1000 }, () => rng.below(256));
  expect(crc32([bytes])).toBe(zlibCrc32(bytes).toString(16).padStart(8, '0'));
});
