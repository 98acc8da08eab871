import { PoolParams } from '../abi';
import { walkWindows } from '../lib/window';

/**
 * y[n, oy, ox, c] = max over the taps inside the image of x[n, iy, ix, c]      each window has a tap inside
 *
 * x [N, inHeight, inWidth, C] f32      read
 * y [N, outHeight, outWidth, C] f32    written
 */
export function f32_maxpool2d__scalar(params: PoolParams, batch: i32, x: usize, y: usize): void {
  walkWindows<MaxPool>(params, batch, 0, x, y, 0, 0);
}

export function f32_maxpool2d__simd128(params: PoolParams, batch: i32, x: usize, y: usize): void {
  walkWindows<MaxPool>(params, batch, params.channels & ~3, x, y, 0, 0);
}

@unmanaged
class MaxPool {
  // @ts-ignore: decorator
  @inline
  run(
    params: PoolParams, corner: usize, out: usize, count: i32, rows: i32, columns: i32, body: i32,
    x: usize, y: usize, _c: usize, _d: usize,
  ): void {
    x += corner << 2;
    y += out << 2;
    if (body && rows == 2 && columns == 2) run(params, x, y, count, 2, 2, true, body);
    else if (body && rows == 3 && columns == 3) run(params, x, y, count, 3, 3, true, body);
    else run(params, x, y, count, rows, columns, false, body);
  }
}

/** `count` windows, `body` channels by lanes of four and the others one by one. 
 * square   the window is 2x2 or 3x3, which are constants then, and unrolled
 */
// @ts-ignore: decorator
@inline
function run(
  params: PoolParams, x: usize, y: usize, count: i32, rows: i32, columns: i32, square: bool,
  body: i32,
): void {
  const pixel = <usize>params.channels << 2;
  const row = <usize>params.inWidth * pixel;
  const next = <usize>params.strideWidth * pixel;
  const lanes = <usize>body << 2;
  for (; count > 0; count--, x += next, y += pixel) {
    let c: usize = 0;
    for (; c < lanes; c += 16) {
      v128.store(y + c, largestLanes(x + c, rows, columns, square, row, pixel));
    }
    for (; c < pixel; c += 4) store<f32>(y + c, largest(x + c, rows, columns, row, pixel));
  }
}

// @ts-ignore: decorator
@inline
function largestLanes(
  x: usize, rows: i32, columns: i32, square: bool, row: usize, pixel: usize,
): v128 {
  let top = f32x4.splat(-<f32>Infinity);
  if (square) {
    top = largestOfRow(top, x, columns, pixel);
    top = largestOfRow(top, x + row, columns, pixel);
    return rows == 3 ? largestOfRow(top, x + 2 * row, columns, pixel) : top;
  }
  for (let i = 0; i < rows; i++, x += row) {
    for (let j = 0, p = x; j < columns; j++, p += pixel) top = f32x4.pmax(top, v128.load(p));
  }
  return top;
}

/** Two or three columns. */
// @ts-ignore: decorator
@inline
function largestOfRow(top: v128, x: usize, columns: i32, pixel: usize): v128 {
  top = f32x4.pmax(f32x4.pmax(top, v128.load(x)), v128.load(x + pixel));
  return columns == 3 ? f32x4.pmax(top, v128.load(x + 2 * pixel)) : top;
}

// @ts-ignore: decorator
@inline
function largest(x: usize, rows: i32, columns: i32, row: usize, pixel: usize): f32 {
  let top = -<f32>Infinity;
  for (let i = 0; i < rows; i++, x += row) {
    let p = x;
    for (let j = 0; j < columns; j++, p += pixel) {
      const v = load<f32>(p);
      top = top < v ? v : top;
    }
  }
  return top;
}
