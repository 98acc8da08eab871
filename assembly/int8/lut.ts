/**
 * y[p, c] = table[c, x[p, c]]
 *
 * x  [pixels, channels] u8 (an i8 tensor is read as its bits)     table  [channels, 256] i8
 * y  [pixels, channels] i8     y may be x.   Reads and writes exactly these bytes.
 *
 * WebAssembly has no gather: this loop is the kernel of both modules.
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

/** One table for all: the usual case, four at a time. */
function lookUp(n: i32, x: usize, table: usize, y: usize): void {
  let i = 0;
  for (; i <= n - 4; i += 4) {
    const q0 = load<u8>(table + load<u8>(x + i));
    const q1 = load<u8>(table + load<u8>(x + i, 1));
    const q2 = load<u8>(table + load<u8>(x + i, 2));
    const q3 = load<u8>(table + load<u8>(x + i, 3));
    store<u8>(y + i, q0);
    store<u8>(y + i, q1, 1);
    store<u8>(y + i, q2, 2);
    store<u8>(y + i, q3, 3);
  }
  for (; i < n; i++) store<u8>(y + i, load<u8>(table + load<u8>(x + i)));
}
