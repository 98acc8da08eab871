import { PoolParams } from '../abi';

/**
 * Taps of a window along one axis: tap t of an output reads input `origin + t·dilation`. The taps inside an image of
 * `size` are [firstTap, endTap).
 */

// @ts-ignore: decorator
@inline
export function firstTap(origin: i32, dilation: i32): i32 {
  return origin >= 0 ? 0 : (dilation - 1 - origin) / dilation;
}

// @ts-ignore: decorator
@inline
export function endTap(origin: i32, dilation: i32, size: i32, taps: i32): i32 {
  if (origin + (taps - 1) * dilation < size) return taps;
  return origin >= size ? 0 : (size - origin + dilation - 1) / dilation;
}

/**
 * The other way round: input `position`, counted from the first padded one, is tap t of output
 * (position − t·dilation) / stride where that is a whole number in [0, outputs). These t are
 * firstReach, firstReach + reachStep, …, reachCount of them.
 */

/** The smallest step of taps that keeps the outputs whole: stride / gcd(stride, dilation). */
// @ts-ignore: decorator
@inline
export function reachStep(stride: i32, dilation: i32): i32 {
  let step = 1;
  while ((step * dilation) % stride != 0) step++;
  return step;
}

// @ts-ignore: decorator
@inline
export function firstReach(
  position: i32, stride: i32, dilation: i32, outputs: i32, taps: i32,
): i32 {
  for (let t = 0; t < taps && position >= 0; t++, position -= dilation) {
    if (stride == 1) {
      if (position < outputs) return t;
    } else if (position % stride == 0 && position / stride < outputs) return t;
  }
  return taps;
}

// @ts-ignore: decorator
@inline
export function reachCount(position: i32, dilation: i32, taps: i32, first: i32, step: i32): i32 {
  if (first == taps) return 0;
  return min((taps - 1 - first) / step, (position - first * dilation) / (dilation * step)) + 1;
}

/**
 * The walk of a pool over its windows, in runs of `count` windows side by side that have the same taps inside the
 * image, `rows` x `columns` of them:
 *
 *     run(params, corner, out, count, rows, columns, body, a, b, c, d)
 *
 * corner     elements from the start of the input to the first tap inside of the first window; those of the next one
 *            are strideWidth pixels on
 * out        elements from the start of the output to the first window
 * a, b, c, d the operands, handed on
 *
 * T is an unmanaged class without fields: its `run` is chosen and inlined when the module is compiled.
 */
// @ts-ignore: decorator
@inline
export function walkWindows<T>(
  params: PoolParams, batch: i32, body: i32, a: usize, b: usize, c: usize, d: usize,
): void {
  const height = params.inHeight;
  const width = params.inWidth;
  const channels = <usize>params.channels;
  const kernelWidth = params.kernelWidth;
  const outWidth = params.outWidth;
  const strideX = params.strideWidth;
  const row = <usize>width * channels;
  let image: usize = 0;
  let out: usize = 0;
  for (let n = 0; n < batch; n++, image += <usize>height * row) {
    for (let oy = 0; oy < params.outHeight; oy++) {
      const top = oy * params.strideHeight - params.padTop;
      const firstY = top + firstTap(top, 1);
      const rows = top + endTap(top, 1, height, params.kernelHeight) - firstY;
      const corner = image + <usize>firstY * row;
      for (let ox = 0; ox < outWidth; ) {
        const left = ox * strideX - params.padLeft;
        const firstX = left + firstTap(left, 1);
        const columns = left + endTap(left, 1, width, kernelWidth) - firstX;
        let count = 1;
        if (columns == kernelWidth) {
          count = min(outWidth - ox, (width - kernelWidth - left) / strideX + 1);
        }
        const at = corner + <usize>firstX * channels;
        changetype<T>(0).run(params, at, out, count, rows, columns, body, a, b, c, d);
        ox += count;
        out += <usize>count * channels;
      }
    }
  }
}

/** Whether the windows of a pool are alone: every input pixel lies in exactly one of them. */
export function windowsTile(params: PoolParams): bool {
  const down = tilesAxis(
    params.outHeight, params.kernelHeight, params.strideHeight, params.padTop, params.inHeight,
  );
  return down && tilesAxis(
    params.outWidth, params.kernelWidth, params.strideWidth, params.padLeft, params.inWidth,
  );
}

function tilesAxis(outputs: i32, kernel: i32, stride: i32, before: i32, size: i32): bool {
  return (outputs == 1 || stride == kernel) && outputs * kernel - before >= size;
}
