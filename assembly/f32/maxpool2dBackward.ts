import { PoolParams } from '../abi';
import { endTap, firstTap } from '../lib/window';

/**
 * dx[first tap of the window, in rows then columns, with x = y] += dy      overlapping windows add up
 *
 * x  [N, inHeight, inWidth, C] f32      read
 * y  [N, outHeight, outWidth, C] f32    the output of f32_maxpool2d
 * dy [N, outHeight, outWidth, C] f32    read
 * dx [N, inHeight, inWidth, C] f32      written completely
 */
export function f32_maxpool2d_backward__scalar(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<f32>(params, batch, x, y, dy, dx, 0);
}

export function f32_maxpool2d_backward__simd128(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<f32>(params, batch, x, y, dy, dx, params.channels & ~3);
}

/** The same with x and y int8, as the integer forward of quantization-aware training keeps them. */
export function qs8_maxpool2d_backward__scalar(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<i8>(params, batch, x, y, dy, dx, 0);
}

export function qs8_maxpool2d_backward__simd128(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<i8>(params, batch, x, y, dy, dx, params.channels & ~3);
}

/** The walk over windows, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function backward<T>(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize, body: i32,
): void {
  const height = params.inHeight;
  const width = params.inWidth;
  const channels = params.channels;
  const outHeight = params.outHeight;
  const outWidth = params.outWidth;
  const row = width * channels;
  const image = <usize>height * row;
  memory.fill(dx, 0, (<usize>batch * image) << 2);
  for (let n = 0; n < batch; n++, x += image * sizeof<T>(), dx += image << 2) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const firstY = top + firstTap(top, 1);
      const rows = top + endTap(top, 1, height, params.kernelHeight) - firstY;
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * params.strideWidth - params.padLeft;
        const firstX = left + firstTap(left, 1);
        const columns = left + endTap(left, 1, width, params.kernelWidth) - firstX;
        const corner = firstY * row + firstX * channels;
        for (let c = 0; c < body; c += 4) {
          scatterLanes<T>(x, y, dy, dx, corner + c, rows, columns, row, channels);
          y += 4 * sizeof<T>();
          dy += 16;
        }
        for (let c = body; c < channels; c++) {
          scatter<T>(x, y, dy, dx, corner + c, rows, columns, row, channels);
          y += sizeof<T>();
          dy += 4;
        }
      }
    }
  }
}

/** Four values as lanes of 32 bits. Only equality matters, so int8 stays integer. */
// @ts-ignore: decorator
@inline
function lanes<T>(p: usize): v128 {
  if (sizeof<T>() == 4) return v128.load(p);
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(p)));
}

// @ts-ignore: decorator
@inline
function scatterLanes<T>(
  x: usize, y: usize, dy: usize, dx: usize, corner: i32,
  rows: i32, columns: i32, row: i32, pixel: i32,
): void {
  const top = lanes<T>(y);
  let left = v128.load(dy);
  for (let i = 0; i < rows; i++, corner += row) {
    for (let j = 0, at = corner; j < columns; j++, at += pixel) {
      const value = lanes<T>(x + <usize>at * sizeof<T>());
      const hit = sizeof<T>() == 4 ? f32x4.eq(value, top) : i32x4.eq(value, top);
      const target = dx + (<usize>at << 2);
      v128.store(target, f32x4.add(v128.load(target), v128.and(left, hit)));
      left = v128.andnot(left, hit);
    }
  }
}

// @ts-ignore: decorator
@inline
function scatter<T>(
  x: usize, y: usize, dy: usize, dx: usize, corner: i32,
  rows: i32, columns: i32, row: i32, pixel: i32,
): void {
  const top = load<T>(y);
  for (let i = 0; i < rows; i++, corner += row) {
    for (let j = 0, at = corner; j < columns; j++, at += pixel) {
      if (load<T>(x + <usize>at * sizeof<T>()) != top) continue;
      const target = dx + (<usize>at << 2);
      store<f32>(target, load<f32>(target) + load<f32>(dy));
      return;
    }
  }
}
