import type { Pair, WindowAttrs } from '../../ops/geometry.ts';
import type { Extents } from './operands.ts';

/** Tap (i, j) of a window and the input pixel (iy, ix) that it sees. */
export interface Tap {
  readonly i: number;
  readonly j: number;
  readonly iy: number;
  readonly ix: number;
}

/** The taps of the window of output pixel (oy, ox) that lie inside the image: what lies outside is real 0. */
export function tapsAt(
  oy: number,
  ox: number,
  image: Pair,
  kernel: Pair,
  attrs: WindowAttrs,
): Tap[] {
  const { strides, padding, dilation } = attrs;
  const taps: Tap[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const iy = oy * strides[0] - padding[0][0] + i * dilation[0];
      const ix = ox * strides[1] - padding[1][0] + j * dilation[1];
      if (iy >= 0 && iy < image[0] && ix >= 0 && ix < image[1]) taps.push({ i, j, iy, ix });
    }
  }
  return taps;
}

/** Visits the pixels of [N,H,W,C] in order; `pixel` counts them. */
export function forEachPixel(
  [batch, height, width]: Extents,
  visit: (n: number, y: number, x: number, pixel: number) => void,
): void {
  let pixel = 0;
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) visit(n, y, x, pixel++);
    }
  }
}
