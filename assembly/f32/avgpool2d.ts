import { PoolParams } from '../abi';
import { walkWindows, windowsTile } from '../lib/window';

/**
 * y[n, oy, ox, c] = f32(Σ x[n, iy, ix, c] / count)      over the count taps inside the image, at least one
 *
 * x [N, inHeight, inWidth, C] f32      read
 * y [N, outHeight, outWidth, C] f32    written
 *
 * f32 sums of each row of the window, then the sum of the rows: error at most (rows + columns)·2⁻²⁴·Σ|x|/count.
 */
export function f32_avgpool2d__scalar(params: PoolParams, batch: i32, x: usize, y: usize): void {
  walkWindows<AvgPool>(params, batch, 0, x, y, 0, 0);
}

export function f32_avgpool2d__simd128(params: PoolParams, batch: i32, x: usize, y: usize): void {
  walkWindows<AvgPool>(params, batch, params.channels & ~3, x, y, 0, 0);
}

@unmanaged
class AvgPool {
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

/**
 * `count` windows, `body` channels by lanes of four and the others one by one.
 *
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
  const taps = <f32>(rows * columns);
  const divisor = f32x4.splat(taps);
  for (; count > 0; count--, x += next, y += pixel) {
    let c: usize = 0;
    if (!square) {
      // Four sums at once: a single one would wait for its own latency.
      for (; c + 64 <= lanes; c += 64) sumSixteen(y + c, x + c, rows, columns, row, pixel, divisor);
    }
    for (; c < lanes; c += 16) {
      const sum = sumLanes(x + c, rows, columns, square, row, pixel);
      // A quarter is exact, so this is the quotient.
      const quarter = square && rows == 2;
      v128.store(y + c, quarter ? f32x4.mul(sum, f32x4.splat(0.25)) : f32x4.div(sum, divisor));
    }
    for (; c < pixel; c += 4) store<f32>(y + c, sumOne(x + c, rows, columns, row, pixel) / taps);
  }
}

// @ts-ignore: decorator
@inline
function sumLanes(
  x: usize, rows: i32, columns: i32, square: bool, row: usize, pixel: usize,
): v128 {
  let sum = f32x4.splat(0);
  if (square) {
    sum = f32x4.add(sum, sumOfRow(x, columns, pixel));
    sum = f32x4.add(sum, sumOfRow(x + row, columns, pixel));
    return rows == 3 ? f32x4.add(sum, sumOfRow(x + 2 * row, columns, pixel)) : sum;
  }
  for (let i = 0; i < rows; i++, x += row) {
    let part = f32x4.splat(0);
    for (let j = 0, p = x; j < columns; j++, p += pixel) part = f32x4.add(part, v128.load(p));
    sum = f32x4.add(sum, part);
  }
  return sum;
}

/** Two or three columns. */
// @ts-ignore: decorator
@inline
function sumOfRow(x: usize, columns: i32, pixel: usize): v128 {
  const sum = f32x4.add(v128.load(x), v128.load(x + pixel));
  return columns == 3 ? f32x4.add(sum, v128.load(x + 2 * pixel)) : sum;
}

// @ts-ignore: decorator
@inline
function sumSixteen(
  y: usize, x: usize, rows: i32, columns: i32, row: usize, pixel: usize, divisor: v128,
): void {
  const zero = f32x4.splat(0);
  let sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;
  for (let i = 0; i < rows; i++, x += row) {
    let part0 = zero, part1 = zero, part2 = zero, part3 = zero;
    for (let j = 0, p = x; j < columns; j++, p += pixel) {
      part0 = f32x4.add(part0, v128.load(p));
      part1 = f32x4.add(part1, v128.load(p, 16));
      part2 = f32x4.add(part2, v128.load(p, 32));
      part3 = f32x4.add(part3, v128.load(p, 48));
    }
    sum0 = f32x4.add(sum0, part0);
    sum1 = f32x4.add(sum1, part1);
    sum2 = f32x4.add(sum2, part2);
    sum3 = f32x4.add(sum3, part3);
  }
  v128.store(y, f32x4.div(sum0, divisor));
  v128.store(y, f32x4.div(sum1, divisor), 16);
  v128.store(y, f32x4.div(sum2, divisor), 32);
  v128.store(y, f32x4.div(sum3, divisor), 48);
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
  clear(params, batch, dx);
  walkWindows<AddMean>(params, batch, 0, dy, dx, 0, 0);
}

export function f32_avgpool2d_backward__simd128(
  params: PoolParams, batch: i32, dy: usize, dx: usize,
): void {
  const body = params.channels & ~3;
  if (windowsTile(params)) {
    walkWindows<SetMean>(params, batch, body, dy, dx, 0, 0);
  } else {
    clear(params, batch, dx);
    walkWindows<AddMean>(params, batch, body, dy, dx, 0, 0);
  }
}

/** dx = 0, where windows add to it or leave gaps. */
function clear(params: PoolParams, batch: i32, dx: usize): void {
  memory.fill(dx, 0, <usize>(batch * params.inHeight * params.inWidth * params.channels) << 2);
}

@unmanaged
class AddMean {
  // @ts-ignore: decorator
  @inline
  run(
    params: PoolParams, corner: usize, out: usize, count: i32, rows: i32, columns: i32, body: i32,
    dy: usize, dx: usize, _c: usize, _d: usize,
  ): void {
    spread(params, dy + (out << 2), dx + (corner << 2), count, rows, columns, true, false, body);
  }
}

/** For windows that tile dx: nothing has to be cleared before. */
@unmanaged
class SetMean {
  // @ts-ignore: decorator
  @inline
  run(
    params: PoolParams, corner: usize, out: usize, count: i32, rows: i32, columns: i32, body: i32,
    dy: usize, dx: usize, _c: usize, _d: usize,
  ): void {
    dy += out << 2;
    dx += corner << 2;
    if (rows == 2 && columns == 2) spread(params, dy, dx, count, 2, 2, false, true, body);
    else spread(params, dy, dx, count, rows, columns, false, false, body);
  }
}

/**
 * dx += dy / taps in `count` windows, or = where `add` is false: by lanes of four, and one by one past `body`. `quad`
 * says that the windows are 2x2.
 */
// @ts-ignore: decorator
@inline
function spread(
  params: PoolParams, dy: usize, dx: usize, count: i32, rows: i32, columns: i32, add: bool,
  quad: bool, body: i32,
): void {
  const pixel = <usize>params.channels << 2;
  const row = <usize>params.inWidth * pixel;
  const next = <usize>params.strideWidth * pixel;
  const lanes = <usize>body << 2;
  const taps = <f32>(rows * columns);
  const divisor = f32x4.splat(taps);
  for (; count > 0; count--, dx += next, dy += pixel) {
    let c: usize = 0;
    if (!quad) {
      for (; c + 64 <= lanes; c += 64) {
        spreadSixteen(dx + c, dy + c, rows, columns, row, pixel, divisor, add);
      }
    }
    for (; c < lanes; c += 16) {
      const g = meanOf(dy + c, divisor);
      let to = dx + c;
      if (quad) {
        v128.store(to, g);
        v128.store(to + pixel, g);
        v128.store(to + row, g);
        v128.store(to + row + pixel, g);
        continue;
      }
      for (let i = 0; i < rows; i++, to += row) {
        for (let j = 0, p = to; j < columns; j++, p += pixel) put(p, g, add);
      }
    }
    for (; c < pixel; c += 4) {
      spreadOne(dx + c, load<f32>(dy + c) / taps, rows, columns, row, pixel, add);
    }
  }
}

/** Plus 0, as if added to a cleared dx: −0 becomes 0. */
// @ts-ignore: decorator
@inline
function meanOf(dy: usize, divisor: v128): v128 {
  return f32x4.add(f32x4.div(v128.load(dy), divisor), f32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function put(dx: usize, g: v128, add: bool): void {
  v128.store(dx, add ? f32x4.add(v128.load(dx), g) : g);
}

// @ts-ignore: decorator
@inline
function spreadSixteen(
  dx: usize, dy: usize, rows: i32, columns: i32, row: usize, pixel: usize, divisor: v128, add: bool,
): void {
  const g0 = meanOf(dy, divisor), g1 = meanOf(dy + 16, divisor);
  const g2 = meanOf(dy + 32, divisor), g3 = meanOf(dy + 48, divisor);
  for (let i = 0; i < rows; i++, dx += row) {
    for (let j = 0, p = dx; j < columns; j++, p += pixel) {
      put(p, g0, add);
      put(p + 16, g1, add);
      put(p + 32, g2, add);
      put(p + 48, g3, add);
    }
  }
}

/** Plus 0 for a new dx, as above. */
// @ts-ignore: decorator
@inline
function spreadOne(
  dx: usize, g: f32, rows: i32, columns: i32, row: usize, pixel: usize, add: bool,
): void {
  for (let i = 0; i < rows; i++, dx += row) {
    for (let j = 0, p = dx; j < columns; j++, p += pixel) {
      store<f32>(p, (add ? load<f32>(p) : 0) + g);
    }
  }
}
