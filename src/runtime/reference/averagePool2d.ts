import { requantize } from '../../core/rounding.ts';
import type { PoolAttrs } from '../../ops/geometry.ts';
import type { Extents, Operands, ReferenceOp } from './operands.ts';
import { forEachPixel, tapsAt } from './window.ts';

/** u = f32(f32(Σ (x − z)) · M[count]) over the `count` taps inside the image      eq. (13) */
export const averagePool2d: ReferenceOp<PoolAttrs> = ({ x: [x], constants, y }, attrs) => {
  const [, height, width, channels] = x!.shape as Extents;
  const multipliers = constants[0]!.data;
  const { zeroPoint, qmin, qmax } = y.qparams;
  forEachPixel(y.shape as Extents, (n, oy, ox, pixel) => {
    const taps = tapsAt(oy, ox, [height, width], attrs.poolSize, attrs);
    const multiplier = multipliers[multipliers.length === 1 ? 0 : taps.length - 1]!;
    for (let c = 0; c < channels; c++) {
      let acc = 0;
      for (const { iy, ix } of taps) {
        acc += x!.data[((n * height + iy) * width + ix) * channels + c]! - x!.qparams.zeroPoint;
      }
      y.data[pixel * channels + c] = requantize(acc, 0, multiplier, 0, zeroPoint, qmin, qmax);
    }
  });
};

/** One window of the size of the image. */
export function globalAveragePool2d({ x, constants, y }: Operands): void {
  const [batch, height, width, channels] = x[0]!.shape as Extents;
  const poolSize = [height, width] as const;
  averagePool2d(
    { x, constants, y: { ...y, shape: [batch, 1, 1, channels] } },
    {
      poolSize,
      strides: [1, 1],
      padding: [
        [0, 0],
        [0, 0],
      ],
      dilation: [1, 1],
    },
  );
}
