import type { ResizeAttrs } from '../../ops/resize.ts';
import type { Activation, Extents, ReferenceOp } from './operands.ts';
import { forEachPixel } from './window.ts';

/** The pixel of x along one axis that pixel i of y takes; f32 at each step. */
function nearest(i: number, from: number, to: number, attrs: ResizeAttrs): number {
  const corners = attrs.alignCorners && to > 1;
  const scale = Math.fround(corners ? (from - 1) / (to - 1) : from / to);
  const at = Math.fround((attrs.halfPixelCenters ? i + 0.5 : i) * scale);
  const chosen = attrs.alignCorners ? Math.round(at) : Math.floor(at);
  return Math.min(chosen, from - 1);
}

/** Where pixel i of y lies along one axis of x, in 1/1024      eq. (25) */
function coordinate(i: number, from: number, to: number, attrs: ResizeAttrs): number {
  const corners = attrs.alignCorners && to > 1 ? 1 : 0;
  const [inputs, outputs] = [from - corners, to - corners];
  const scale = Math.trunc((1024 * inputs + Math.trunc(outputs / 2)) / outputs);
  return attrs.halfPixelCenters ? i * scale + Math.trunc(scale / 2) - 512 : i * scale;
}

/** Value and neighbours along an axis: pixel and weight in 1/1024. What lies past an edge is the edge. */
function neighbours(at: number, extent: number): readonly (readonly [number, number])[] {
  const clamp = (i: number) => Math.min(Math.max(i, 0), extent - 1);
  const below = Math.floor(at / 1024);
  return [
    [clamp(below), 1024 * (below + 1) - at],
    [clamp(below + 1), at - 1024 * below],
  ];
}

export const resize: ReferenceOp<ResizeAttrs> = ({ x: [x], y }, attrs) => {
  const [, height, width, channels] = x!.shape as Extents;
  const [outHeight, outWidth] = attrs.size;
  forEachPixel(y.shape as Extents, (n, oy, ox, pixel) => {
    const at = (iy: number, ix: number, c: number) =>
      x!.data[((n * height + iy) * width + ix) * channels + c]!;
    for (let c = 0; c < channels; c++) {
      const to = pixel * channels + c;
      if (attrs.method === 'nearest') {
        const iy = nearest(oy, height, outHeight, attrs);
        y.data[to] = at(iy, nearest(ox, width, outWidth, attrs), c);
      } else {
        const rows = neighbours(coordinate(oy, height, outHeight, attrs), height);
        const columns = neighbours(coordinate(ox, width, outWidth, attrs), width);
        y.data[to] = interpolate((iy, ix) => at(iy, ix, c), rows, columns);
      }
    }
  });
};

type Neighbours = ReturnType<typeof neighbours>;

/** v / 2²⁰, halves away from 0      eq. (25) */
function interpolate(
  at: (iy: number, ix: number) => number,
  rows: Neighbours,
  columns: Neighbours,
): Activation['data'][number] {
  let v = 0;
  for (const [iy, f] of rows) for (const [ix, g] of columns) v += at(iy, ix) * f * g;
  return Math.trunc((v + (v > 0 ? 2 ** 19 : -(2 ** 19))) / 2 ** 20);
}
