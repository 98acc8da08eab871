import { sizeOf } from '../../core/shape.ts';
import type { TransposedConvAttrs } from '../../ops/transposedConv2d.ts';
import { type Extents, type ReferenceOp, weightZero } from './operands.ts';
import { channelRequant } from './requant.ts';
import { forEachPixel } from './window.ts';

/** acc[n, iy·s + i − top, ix·s + j − left, o] += (x[n,iy,ix,c] − z) · (w[o,i,j,c] − z_w) where that is inside y */
export const transposedConv2d: ReferenceOp<TransposedConvAttrs> = (
  { x: [x], constants, y },
  { strides, padding },
) => {
  const [, height, width, outChannels] = y.shape as Extents;
  const [, kernelHeight, kernelWidth, channels] = constants[0]!.shape as Extents;
  const w = constants[0]!.data;
  const { zeroPoint } = x!.qparams;
  const wZero = weightZero(constants[0]!);
  const acc = new Float64Array(sizeOf(y.shape));
  forEachPixel(x!.shape as Extents, (n, iy, ix, pixel) => {
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const oy = iy * strides[0] + Math.floor(tap / kernelWidth) - padding[0][0];
      const ox = ix * strides[1] + (tap % kernelWidth) - padding[1][0];
      if (oy < 0 || oy >= height || ox < 0 || ox >= width) continue;
      for (let o = 0; o < outChannels; o++) {
        const to = ((n * height + oy) * width + ox) * outChannels + o;
        for (let c = 0; c < channels; c++) {
          const weight = w[(o * kernelHeight * kernelWidth + tap) * channels + c]!;
          acc[to]! += (x!.data[pixel * channels + c]! - zeroPoint) * (weight - wZero);
        }
      }
    }
  });
  const requant = channelRequant(constants, y);
  for (let i = 0; i < acc.length; i++) y.data[i] = requant(acc[i]!, i % outChannels);
};
