import { PoolParams } from '../abi';
import { walkWindows, windowsTile } from '../lib/window';

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
  backward<f32>(params, batch, x, y, dy, dx, false);
}

export function f32_maxpool2d_backward__simd128(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<f32>(params, batch, x, y, dy, dx, true);
}

/** The same with x and y int8, as the integer forward of quantization-aware training keeps them. */
export function qs8_maxpool2d_backward__scalar(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<i8>(params, batch, x, y, dy, dx, false);
}

export function qs8_maxpool2d_backward__simd128(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize,
): void {
  backward<i8>(params, batch, x, y, dy, dx, true);
}

// @ts-ignore: decorator
@inline
function backward<T>(
  params: PoolParams, batch: i32, x: usize, y: usize, dy: usize, dx: usize, simd: bool,
): void {
  const body = simd ? params.channels & ~3 : 0;
  if (simd && windowsTile(params)) {
    walkWindows<SetFirst<T>>(params, batch, body, x, y, dy, dx);
    return;
  }
  memory.fill(dx, 0, <usize>(batch * params.inHeight * params.inWidth * params.channels) << 2);
  walkWindows<AddToFirst<T>>(params, batch, body, x, y, dy, dx);
}

@unmanaged
class AddToFirst<T> {
  // @ts-ignore: decorator
  @inline
  run(
    params: PoolParams, corner: usize, out: usize, count: i32, rows: i32, columns: i32, body: i32,
    x: usize, y: usize, dy: usize, dx: usize,
  ): void {
    run<T>(params, x, y, dy, dx, corner, out, count, rows, columns, body, true);
  }
}

/** For windows that tile dx: nothing has to be cleared before. */
@unmanaged
class SetFirst<T> {
  // @ts-ignore: decorator
  @inline
  run(
    params: PoolParams, corner: usize, out: usize, count: i32, rows: i32, columns: i32, body: i32,
    x: usize, y: usize, dy: usize, dx: usize,
  ): void {
    if (rows == 2 && columns == 2) {
      quads<T>(params, x, y, dy, dx, corner, out, count, body);
    } else run<T>(params, x, y, dy, dx, corner, out, count, rows, columns, body, false);
  }
}

/** `count` windows, `body` channels of each by lanes of four and the others one by one. */
// @ts-ignore: decorator
@inline
function run<T>(
  params: PoolParams, x: usize, y: usize, dy: usize, dx: usize, corner: usize, out: usize,
  count: i32, rows: i32, columns: i32, body: i32, add: bool,
): void {
  const channels = <usize>params.channels;
  const row = <usize>params.inWidth * channels;
  const next = <usize>params.strideWidth * channels;
  y += out * sizeof<T>();
  dy += out << 2;
  for (; count > 0; count--, corner += next) {
    for (let c: usize = 0; c < <usize>body; c += 4) {
      scatterLanes<T>(x, y, dy, dx, corner + c, rows, columns, row, channels, add);
      y += 4 * sizeof<T>();
      dy += 16;
    }
    for (let c = <usize>body; c < channels; c++) {
      scatter<T>(x, y, dy, dx, corner + c, rows, columns, row, channels, add);
      y += sizeof<T>();
      dy += 4;
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
function equal<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 4 ? f32x4.eq(a, b) : i32x4.eq(a, b);
}

// @ts-ignore: decorator
@inline
function scatterLanes<T>(
  x: usize, y: usize, dy: usize, dx: usize, corner: usize,
  rows: i32, columns: i32, row: usize, pixel: usize, add: bool,
): void {
  const top = lanes<T>(y);
  let left = v128.load(dy);
  for (let i = 0; i < rows; i++, corner += row) {
    for (let j = 0, at = corner; j < columns; j++, at += pixel) {
      const hit = equal<T>(lanes<T>(x + at * sizeof<T>()), top);
      const target = dx + (at << 2);
      const before = add ? v128.load(target) : f32x4.splat(0);
      v128.store(target, f32x4.add(before, v128.and(left, hit)));
      left = v128.andnot(left, hit);
    }
  }
}

/** `count` windows of 2x2 that are alone in dx. Adding 0 turns −0 into 0, as adding to a cleared dx does. */
// @ts-ignore: decorator
@inline
function quads<T>(
  params: PoolParams, x: usize, y: usize, dy: usize, dx: usize, corner: usize, out: usize,
  count: i32, body: i32,
): void {
  const pixel = <usize>params.channels;
  const row = <usize>params.inWidth * pixel;
  const next = <usize>params.strideWidth * pixel;
  const zero = f32x4.splat(0);
  y += out * sizeof<T>();
  dy += out << 2;
  dx += corner << 2;
  x += corner * sizeof<T>();
  for (; count > 0; count--) {
    for (let c: usize = 0; c < <usize>body; c += 4) {
      const top = lanes<T>(y);
      let left = v128.load(dy);
      const hit0 = equal<T>(lanes<T>(x + c * sizeof<T>()), top);
      const hit1 = equal<T>(lanes<T>(x + (c + pixel) * sizeof<T>()), top);
      const hit2 = equal<T>(lanes<T>(x + (c + row) * sizeof<T>()), top);
      const hit3 = equal<T>(lanes<T>(x + (c + row + pixel) * sizeof<T>()), top);
      const to = dx + (c << 2);
      v128.store(to, f32x4.add(zero, v128.and(left, hit0)));
      left = v128.andnot(left, hit0);
      v128.store(to + (pixel << 2), f32x4.add(zero, v128.and(left, hit1)));
      left = v128.andnot(left, hit1);
      v128.store(to + (row << 2), f32x4.add(zero, v128.and(left, hit2)));
      left = v128.andnot(left, hit2);
      v128.store(to + ((row + pixel) << 2), f32x4.add(zero, v128.and(left, hit3)));
      y += 4 * sizeof<T>();
      dy += 16;
    }
    for (let c = <usize>body; c < pixel; c++) {
      scatter<T>(x, y, dy, dx, c, 2, 2, row, pixel, false);
      y += sizeof<T>();
      dy += 4;
    }
    x += next * sizeof<T>();
    dx += next << 2;
  }
}

// @ts-ignore: decorator
@inline
function scatter<T>(
  x: usize, y: usize, dy: usize, dx: usize, corner: usize,
  rows: i32, columns: i32, row: usize, pixel: usize, add: bool,
): void {
  const top = load<T>(y);
  const gradient = load<f32>(dy);
  let found = false;
  for (let i = 0; i < rows; i++, corner += row) {
    for (let j = 0, at = corner; j < columns; j++, at += pixel) {
      const target = dx + (at << 2);
      const hit = !found && load<T>(x + at * sizeof<T>()) == top;
      if (hit) store<f32>(target, (add ? load<f32>(target) : 0) + gradient);
      else if (!add) store<f32>(target, 0);
      found = found || hit;
    }
  }
}
