/**
 * The sum that f32_dwconv2d and its input gradient share:
 *
 *     start + Σ_(j < columns, i < rows) a[i, j] · w[i, j]      in rising (j, i)
 *
 * Steps are in bytes; those of w are negative in the gradient, where dy moves on and w moves back.
 */
import { ConvParams } from '../abi';

/** Whether the bands of depthwise3x3.ts apply: one stride of 1 or 2 for both directions, no dilation. */
export function isBanded(params: ConvParams): bool {
  const stride = params.strideHeight;
  return params.kernelHeight == 3 && params.kernelWidth == 3 &&
    params.dilationHeight == 1 && params.dilationWidth == 1 &&
    stride <= 2 && params.strideWidth == stride;
}

/** Four channels of one pixel. */
// @ts-ignore: decorator
@inline
export function onePixel(
  acc: v128, rows: i32, columns: i32, a: usize, aRow: usize, aStep: usize,
  w: usize, wRow: usize, wStep: usize,
): v128 {
  for (let j = 0; j < columns; j++, a += aStep, w += wStep) {
    for (let i = 0, p = a, q = w; i < rows; i++, p += aRow, q += wRow) {
      acc = f32x4.add(acc, f32x4.mul(v128.load(p), v128.load(q)));
    }
  }
  return acc;
}

/** One channel of one pixel. */
// @ts-ignore: decorator
@inline
export function oneChannel(
  acc: f32, rows: i32, columns: i32, a: usize, aRow: usize, aStep: usize,
  w: usize, wRow: usize, wStep: usize,
): f32 {
  for (let j = 0; j < columns; j++, a += aStep, w += wStep) {
    for (let i = 0, p = a, q = w; i < rows; i++, p += aRow, q += wRow) {
      acc += load<f32>(p) * load<f32>(q);
    }
  }
  return acc;
}

/**
 * Four channels of four pixels that have the same taps, `next` apart in a and `yNext` apart in y: one load of w
 * serves four products, which four sums do not wait for. A constant 3 for `rows` unrolls the rows.
 */
// @ts-ignore: decorator
@inline
export function fourPixels(
  y: usize, yNext: usize, start: v128, rows: i32, columns: i32,
  a: usize, aRow: usize, aStep: usize, next: usize, w: usize, wRow: usize, wStep: usize,
): void {
  let acc0 = start, acc1 = start, acc2 = start, acc3 = start;
  for (let j = 0; j < columns; j++, a += aStep, w += wStep) {
    let p = a;
    let q = w;
    if (rows == 3) {
      const w0 = v128.load(q);
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(p), w0));
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(p + next), w0));
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(p + 2 * next), w0));
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(p + 3 * next), w0));
      p += aRow;
      const w1 = v128.load(q + wRow);
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(p), w1));
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(p + next), w1));
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(p + 2 * next), w1));
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(p + 3 * next), w1));
      p += aRow;
      const w2 = v128.load(q + 2 * wRow);
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(p), w2));
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(p + next), w2));
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(p + 2 * next), w2));
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(p + 3 * next), w2));
    } else {
      for (let i = 0; i < rows; i++, p += aRow, q += wRow) {
        const weight = v128.load(q);
        acc0 = f32x4.add(acc0, f32x4.mul(v128.load(p), weight));
        acc1 = f32x4.add(acc1, f32x4.mul(v128.load(p + next), weight));
        acc2 = f32x4.add(acc2, f32x4.mul(v128.load(p + 2 * next), weight));
        acc3 = f32x4.add(acc3, f32x4.mul(v128.load(p + 3 * next), weight));
      }
    }
  }
  v128.store(y, acc0);
  v128.store(y + yNext, acc1);
  v128.store(y + 2 * yNext, acc2);
  v128.store(y + 3 * yNext, acc3);
}
