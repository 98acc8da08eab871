import { GatherParams } from '../abi';
import { copyLong, copyThree, copyUpTo16, copyUpTo8 } from '../lib/runs';

/**
 * y[o, j, i, b] = x[o · inBytes + rowOffsets[j] + columnOffsets[i] + b]      o · rows + j in [first, first + count)
 *
 * x and y are the addresses of the whole tensors, y [outer, rows, columns, bytes]; they must not overlap. Reads and
 * writes exactly the runs.
 */
export function x8_gather__simd128(
  params: GatherParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const rows = params.rows, rowBytes = params.columns * params.bytes;
  let o = first / rows, j = first - o * rows;
  let image = x + o * params.inBytes;
  y += first * rowBytes;
  for (let r = 0; r < count; r++, y += rowBytes) {
    gatherRow(params, image + load<i32>(params.rowOffsets + (j << 2)), y);
    if (++j == rows) {
      j = 0;
      image += params.inBytes;
    }
  }
}

function gatherRow(params: GatherParams, x: usize, y: usize): void {
  const bytes = params.bytes;
  let offset: usize = params.columnOffsets;
  const end = offset + (params.columns << 2);
  if (bytes == 1) {
    for (; offset < end; offset += 4, y++) store<u8>(y, load<u8>(x + load<i32>(offset)));
  } else if (bytes == 2) {
    for (; offset < end; offset += 4, y += 2) store<u16>(y, load<u16>(x + load<i32>(offset)));
  } else if (bytes == 3) {
    for (; offset < end; offset += 4, y += 3) copyThree(x + load<i32>(offset), y);
  } else if (bytes == 4) {
    for (; offset < end; offset += 4, y += 4) store<u32>(y, load<u32>(x + load<i32>(offset)));
  } else if (bytes < 8) {
    for (; offset < end; offset += 4, y += bytes) copyUpTo8(x + load<i32>(offset), y, bytes);
  } else if (bytes == 8) {
    for (; offset < end; offset += 4, y += 8) store<u64>(y, load<u64>(x + load<i32>(offset)));
  } else if (bytes < 16) {
    for (; offset < end; offset += 4, y += bytes) copyUpTo16(x + load<i32>(offset), y, bytes);
  } else {
    for (; offset < end; offset += 4, y += bytes) copyLong(x + load<i32>(offset), y, bytes);
  }
}

export function x8_gather__scalar(
  params: GatherParams, first: i32, count: i32, x: usize, y: usize,
): void {
  for (let r = first; r < first + count; r++) {
    const row = (r / params.rows) * params.inBytes +
      load<i32>(params.rowOffsets + ((r % params.rows) << 2));
    for (let i = 0; i < params.columns; i++) {
      const from = row + load<i32>(params.columnOffsets + (i << 2));
      const to = (r * params.columns + i) * params.bytes;
      for (let b = 0; b < params.bytes; b++) store<u8>(y + to + b, load<u8>(x + from + b));
    }
  }
}
