import type { WindowAttrs } from '../../ops/geometry.ts';
import { type Extents, type ReferenceOp, weightZero } from './operands.ts';
import { channelRequant } from './requant.ts';
import { forEachPixel, tapsAt } from './window.ts';

/** acc[n,oy,ox,c] = Σ (x[n,iy,ix,c] − z) · (w[i,j,c] − z_w) over the taps inside the image */
export const depthwiseConv2d: ReferenceOp<WindowAttrs> = ({ x: [x], constants, y }, attrs) => {
  const [, height, width, channels] = x!.shape as Extents;
  const [kernelHeight, kernelWidth] = constants[0]!.shape as unknown as [number, number];
  const w = constants[0]!.data;
  const { zeroPoint } = x!.qparams;
  const wZero = weightZero(constants[0]!);
  const requant = channelRequant(constants, y);
  forEachPixel(y.shape as Extents, (n, oy, ox, pixel) => {
    const taps = tapsAt(oy, ox, [height, width], [kernelHeight, kernelWidth], attrs);
    for (let c = 0; c < channels; c++) {
      let acc = 0;
      for (const { iy, ix, i, j } of taps) {
        const q = x!.data[((n * height + iy) * width + ix) * channels + c]!;
        acc += (q - zeroPoint) * (w[(i * kernelWidth + j) * channels + c]! - wZero);
      }
      y.data[pixel * channels + c] = requant(acc, c);
    }
  });
};
