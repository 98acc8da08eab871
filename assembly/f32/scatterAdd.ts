import { GatherParams } from '../abi';
import { storeFloats } from '../lib/lanes';

/**
 * dx[o · inBytes + rowOffsets[j] + columnOffsets[i] + b] += dy[o, j, i, b]      the way back from `x8_gather` of f32, in order
 *
 * dy  [outer, rows, columns, bytes] f32    read      dx  f32    added to
 * Images first … first + count − 1 of `outer`; dy and dx are the addresses of the whole tensors; runs are of `bytes`.
 */
export function f32_scatter_add__scalar(
  params: GatherParams, first: i32, count: i32, dy: usize, dx: usize,
): void {
  dy += first * params.rows * params.columns * params.bytes;
  for (let o = first; o < first + count; o++) {
    for (let j = 0; j < params.rows; j++) {
      const row = dx + o * params.inBytes + load<i32>(params.rowOffsets + (j << 2));
      for (let i = 0; i < params.columns; i++) {
        const to = row + load<i32>(params.columnOffsets + (i << 2));
        for (let b = 0; b < params.bytes; b += 4, dy += 4) {
          store<f32>(to + b, load<f32>(to + b) + load<f32>(dy));
        }
      }
    }
  }
}

export function f32_scatter_add__simd128(
  params: GatherParams, first: i32, count: i32, dy: usize, dx: usize,
): void {
  const rows = params.rows, bytes: usize = params.bytes;
  const offsets: usize = params.columnOffsets, end = offsets + (params.columns << 2);
  dy += <usize>(first * rows * params.columns) * bytes;
  for (let o = first; o < first + count; o++) {
    const image = dx + o * params.inBytes;
    for (let j = 0; j < rows; j++) {
      const row = image + load<i32>(params.rowOffsets + (j << 2));
      for (let at = offsets; at < end; at += 4, dy += bytes) {
        addRun(bytes, dy, row + load<i32>(at));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addRun(bytes: usize, x: usize, y: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const sum = f32x4.add(v128.load(y + i), v128.load(x + i));
    if (i + 16 <= bytes) v128.store(y + i, sum);
    else storeFloats(y + i, sum, sum, <i32>(bytes - i) >> 2);
  }
}
