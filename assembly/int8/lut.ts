import { storeUpTo16 } from '../lib/lanes';

/**
 * y[p, c] = table[c, x[p, c]]
 *
 * x  [pixels, channels] u8 (an i8 tensor is read as its bits)     table  [channels, 256] i8
 * y  [pixels, channels] i8     y may be x.   Reads and writes exactly these bytes.
 *
 * WebAssembly has no gather: this loop is the kernel of both modules. Sixteen swizzles of sixteen entries each took 1.2 times as long.
 */
export function u8_lut__scalar(
  pixels: i32, channels: i32, x: usize, table: usize, y: usize,
): void {
  if (channels == 1) {
    lookUp(pixels, x, table, y);
    return;
  }
  for (let p = 0; p < pixels; p++) {
    let row = table;
    for (let c = 0; c < channels; c++) {
      store<u8>(y + c, load<u8>(row + load<u8>(x + c)));
      row += 256;
    }
    x += channels;
    y += channels;
  }
}

/** One table for all: the usual case, eight at a time. */
function lookUp(n: i32, x: usize, table: usize, y: usize): void {
  let i = 0;
  if (n >= 8) {
    do {
      const low = load<u32>(x + i), high = load<u32>(x + i, 4);
      store<u8>(y + i, load<u8>(table + (low & 255)));
      store<u8>(y + i, load<u8>(table + ((low >> 8) & 255)), 1);
      store<u8>(y + i, load<u8>(table + ((low >> 16) & 255)), 2);
      store<u8>(y + i, load<u8>(table + (low >> 24)), 3);
      store<u8>(y + i, load<u8>(table + (high & 255)), 4);
      store<u8>(y + i, load<u8>(table + ((high >> 8) & 255)), 5);
      store<u8>(y + i, load<u8>(table + ((high >> 16) & 255)), 6);
      store<u8>(y + i, load<u8>(table + (high >> 24)), 7);
      i += 8;
    } while (i <= n - 8);
  }
  for (; i < n; i++) store<u8>(y + i, load<u8>(table + load<u8>(x + i)));
}

/**
 * y = x xor bits: with 128, u8 to i8 of the same reals and back.
 *
 * x, y  [n] bytes, n ≥ 0     y may be x.   Reads 15 bytes past x, writes n bytes.
 */
export function x8_xor__simd128(n: i32, x: usize, y: usize, bits: i32): void {
  const lanes = i8x16.splat(<i8>bits);
  for (let i = 0; i < n; i += 16) storeUpTo16(y + i, v128.xor(v128.load(x + i), lanes), n - i);
}

export function x8_xor__scalar(n: i32, x: usize, y: usize, bits: i32): void {
  for (let i = 0; i < n; i++) store<u8>(y + i, load<u8>(x + i) ^ <u8>bits);
}
