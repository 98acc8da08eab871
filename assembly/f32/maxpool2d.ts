import { PoolParams } from '../abi';
import { endTap, firstTap } from '../lib/window';

/**
 * y[n, oy, ox, c] = max over the taps inside the image of x[n, iy, ix, c]      each window has a tap inside
 *
 * x [N, inHeight, inWidth, C] f32      read
 * y [N, outHeight, outWidth, C] f32    written
 */
export function f32_maxpool2d__scalar(params: PoolParams, batch: i32, x: usize, y: usize): void {
  maxpool(params, batch, x, y, 0);
}

export function f32_maxpool2d__simd128(params: PoolParams, batch: i32, x: usize, y: usize): void {
  maxpool(params, batch, x, y, params.channels & ~3);
}

/** The walk over windows, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function maxpool(params: PoolParams, batch: i32, x: usize, y: usize, body: i32): void {
  const height = params.inHeight;
  const width = params.inWidth;
  const pixel = <usize>params.channels << 2;
  const row = <usize>width * pixel;
  const lanes = <usize>body << 2;
  const outHeight = params.outHeight;
  const outWidth = params.outWidth;
  for (let n = 0; n < batch; n++, x += <usize>height * row) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const firstY = top + firstTap(top, 1);
      const rows = top + endTap(top, 1, height, params.kernelHeight) - firstY;
      for (let ox = 0; ox < outWidth; ox++, y += pixel) {
        const left = ox * params.strideWidth - params.padLeft;
        const firstX = left + firstTap(left, 1);
        const columns = left + endTap(left, 1, width, params.kernelWidth) - firstX;
        const corner = x + <usize>firstY * row + <usize>firstX * pixel;
        for (let c: usize = 0; c < lanes; c += 16) {
          v128.store(y + c, largestLanes(corner + c, rows, columns, row, pixel));
        }
        for (let c = lanes; c < pixel; c += 4) {
          store<f32>(y + c, largest(corner + c, rows, columns, row, pixel));
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function largestLanes(x: usize, rows: i32, columns: i32, row: usize, pixel: usize): v128 {
  let top = f32x4.splat(-<f32>Infinity);
  for (let i = 0; i < rows; i++, x += row) {
    let p = x;
    for (let j = 0; j < columns; j++, p += pixel) top = f32x4.pmax(top, v128.load(p));
  }
  return top;
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
