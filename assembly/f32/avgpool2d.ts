import { PoolParams } from '../abi';
import { endTap, firstTap } from '../lib/window';

/**
 * y[n, oy, ox, c] = f32(Σ x[n, iy, ix, c] / count)      over the count taps inside the image, at least one
 *
 * x [N, inHeight, inWidth, C] f32      read
 * y [N, outHeight, outWidth, C] f32    written
 *
 * f32 sums of each row of the window, then the sum of the rows: error at most (rows + columns)·2⁻²⁴·Σ|x|/count.
 */
export function f32_avgpool2d__scalar(params: PoolParams, batch: i32, x: usize, y: usize): void {
  avgpool(params, batch, x, y, 0);
}

export function f32_avgpool2d__simd128(params: PoolParams, batch: i32, x: usize, y: usize): void {
  avgpool(params, batch, x, y, params.channels & ~3);
}

/** The walk over windows, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function avgpool(params: PoolParams, batch: i32, x: usize, y: usize, body: i32): void {
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
        const count = <f32>(rows * columns);
        const corner = x + <usize>firstY * row + <usize>firstX * pixel;
        for (let c: usize = 0; c < lanes; c += 16) {
          const sum = sumLanes(corner + c, rows, columns, row, pixel);
          v128.store(y + c, f32x4.div(sum, f32x4.splat(count)));
        }
        for (let c = lanes; c < pixel; c += 4) {
          store<f32>(y + c, sumOne(corner + c, rows, columns, row, pixel) / count);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function sumLanes(x: usize, rows: i32, columns: i32, row: usize, pixel: usize): v128 {
  let sum = f32x4.splat(0);
  for (let i = 0; i < rows; i++, x += row) {
    let part = f32x4.splat(0);
    for (let j = 0, p = x; j < columns; j++, p += pixel) part = f32x4.add(part, v128.load(p));
    sum = f32x4.add(sum, part);
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function sumOne(x: usize, rows: i32, columns: i32, row: usize, pixel: usize): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < rows; i++, x += row) {
    let part: f32 = 0;
    for (let j = 0, p = x; j < columns; j++, p += pixel) part += load<f32>(p);
    sum += part;
  }
  return sum;
}

/**
 * dx[n, iy, ix, c] = Σ over the windows that hold the tap of f32(dy / count), in output order
 *
 * dy [N, outHeight, outWidth, C] f32    read
 * dx [N, inHeight, inWidth, C] f32      written completely
 */
export function f32_avgpool2d_backward__scalar(
  params: PoolParams, batch: i32, dy: usize, dx: usize,
): void {
  backward(params, batch, dy, dx, 0);
}

export function f32_avgpool2d_backward__simd128(
  params: PoolParams, batch: i32, dy: usize, dx: usize,
): void {
  backward(params, batch, dy, dx, params.channels & ~3);
}

// @ts-ignore: decorator
@inline
function backward(params: PoolParams, batch: i32, dy: usize, dx: usize, body: i32): void {
  const height = params.inHeight;
  const width = params.inWidth;
  const pixel = <usize>params.channels << 2;
  const row = <usize>width * pixel;
  const lanes = <usize>body << 2;
  const outHeight = params.outHeight;
  const outWidth = params.outWidth;
  memory.fill(dx, 0, <usize>(batch * height) * row);
  for (let n = 0; n < batch; n++, dx += <usize>height * row) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const firstY = top + firstTap(top, 1);
      const rows = top + endTap(top, 1, height, params.kernelHeight) - firstY;
      for (let ox = 0; ox < outWidth; ox++, dy += pixel) {
        const left = ox * params.strideWidth - params.padLeft;
        const firstX = left + firstTap(left, 1);
        const columns = left + endTap(left, 1, width, params.kernelWidth) - firstX;
        const count = <f32>(rows * columns);
        const corner = dx + <usize>firstY * row + <usize>firstX * pixel;
        for (let c: usize = 0; c < lanes; c += 16) {
          const g = f32x4.div(v128.load(dy + c), f32x4.splat(count));
          addLanes(corner + c, g, rows, columns, row, pixel);
        }
        for (let c = lanes; c < pixel; c += 4) {
          addOne(corner + c, load<f32>(dy + c) / count, rows, columns, row, pixel);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addLanes(x: usize, g: v128, rows: i32, columns: i32, row: usize, pixel: usize): void {
  for (let i = 0; i < rows; i++, x += row) {
    for (let j = 0, p = x; j < columns; j++, p += pixel) {
      v128.store(p, f32x4.add(v128.load(p), g));
    }
  }
}

// @ts-ignore: decorator
@inline
function addOne(x: usize, g: f32, rows: i32, columns: i32, row: usize, pixel: usize): void {
  for (let i = 0; i < rows; i++, x += row) {
    for (let j = 0, p = x; j < columns; j++, p += pixel) store<f32>(p, load<f32>(p) + g);
  }
}
