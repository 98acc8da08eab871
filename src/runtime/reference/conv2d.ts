import type { WindowAttrs } from '../../ops/geometry.ts';
import { type Extents, type ReferenceOp, weightZero } from './operands.ts';
import { channelRequant } from './requant.ts';
import { forEachPixel, tapsAt } from './window.ts';

/** acc[n,oy,ox,o] = Σ (x[n,iy,ix,c] − z) · (w[o,i,j,c] − z_w) over the taps inside the image */
export const conv2d: ReferenceOp<WindowAttrs> = ({ x: [x], constants, y }, attrs) => {
  const [, height, width, channels] = x!.shape as Extents;
  const [outChannels, ...kernel] = constants[0]!.shape as Extents;
  const w = constants[0]!.data;
  const { zeroPoint } = x!.qparams;
  const wZero = weightZero(constants[0]!);
  const requant = channelRequant(constants, y);
  forEachPixel(y.shape as Extents, (n, oy, ox, pixel) => {
    const taps = tapsAt(oy, ox, [height, width], [kernel[0], kernel[1]], attrs);
    for (let o = 0; o < outChannels; o++) {
      let acc = 0;
      for (const { iy, ix, i, j } of taps) {
        for (let c = 0; c < channels; c++) {
          const q = x!.data[((n * height + iy) * width + ix) * channels + c]!;
          const weight = w[((o * kernel[0] + i) * kernel[1] + j) * channels + c]!;
          acc += (q - zeroPoint) * (weight - wZero);
        }
      }
      y.data[pixel * outChannels + o] = requant(acc, o);
    }
  });
};
