import type { PoolAttrs } from '../../ops/geometry.ts';
import type { Activation, Extents, ReferenceOp } from './operands.ts';
import { forEachPixel, tapsAt } from './window.ts';

/** Ops whose output integers are input integers, clamped to the output's range. */

function clamp(q: number, { qparams: { qmin, qmax } }: Activation): number {
  return Math.min(qmax, Math.max(qmin, q));
}

/** The largest tap inside the image. */
export const maxPool2d: ReferenceOp<PoolAttrs> = ({ x: [x], y }, attrs) => {
  const [, height, width, channels] = x!.shape as Extents;
  forEachPixel(y.shape as Extents, (n, oy, ox, pixel) => {
    const taps = tapsAt(oy, ox, [height, width], attrs.poolSize, attrs);
    for (let c = 0; c < channels; c++) {
      let most = -128;
      for (const { iy, ix } of taps) {
        most = Math.max(most, x!.data[((n * height + iy) * width + ix) * channels + c]!);
      }
      y.data[pixel * channels + c] = clamp(most, y);
    }
  });
};

/** relu and relu6: the bounds are those of the output. */
export const clampToRange: ReferenceOp = ({ x: [x], y }) => {
  for (let i = 0; i < y.data.length; i++) y.data[i] = clamp(x!.data[i]!, y);
};

export const flatten: ReferenceOp = ({ x: [x], y }) => y.data.set(x!.data);
