import { roundTiesToEven } from '../../core/rounding.ts';
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

/** Where pixel i of y lies along one axis of x; f32 at each step      eq. (25) */
function coordinate(i: number, from: number, to: number, attrs: ResizeAttrs): number {
  const corners = attrs.alignCorners && to > 1 ? 1 : 0;
  const scale = Math.fround((from - corners) / (to - corners));
  const scaled = Math.fround(i * scale);
  return attrs.halfPixelCenters ? Math.fround(scaled + Math.fround(scale / 2 - 0.5)) : scaled;
}

/** Value and neighbours along an axis: pixel and weight in 1/2048. What lies past an edge is the edge. */
function neighbours(at: number, extent: number): readonly (readonly [number, number])[] {
  const inside = Math.min(Math.max(at, 0), extent - 1);
  const below = Math.floor(inside);
  const weight = roundTiesToEven(2048 * (inside - below));
  return [
    [below, 2048 - weight],
    [Math.min(below + 1, extent - 1), weight],
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

/** ⌊v / 2²² + ½⌋      eq. (25) */
function interpolate(
  at: (iy: number, ix: number) => number,
  rows: Neighbours,
  columns: Neighbours,
): Activation['data'][number] {
  let v = 0;
  for (const [iy, f] of rows) for (const [ix, g] of columns) v += at(iy, ix) * f * g;
  return Math.floor((v + 2 ** 21) / 2 ** 22);
}
