import type { StructFields } from '../../../src/core/abi.ts';
import { scaleAcc } from '../../../src/core/rounding.ts';

/** ConvParams without its pointers. */
export type ConvGeometry = Omit<
  StructFields<'ConvParams'>,
  'bias' | 'multiplier' | 'addend' | 'magic'
>;

/** What turns accumulators into outputs, an entry per channel. */
export interface Epilogue {
  readonly bias: Int32Array;
  readonly multiplier: Float32Array;
  readonly addend: Float32Array;
}

export interface Convolution {
  readonly batch: number;
  readonly x: Int8Array;
  /** [Co,Kh,Kw,Ci], or [Kh,Kw,C] for a depthwise convolution. */
  readonly w: Int8Array;
  readonly weightZeroPoint: number;
  readonly geometry: ConvGeometry;
  readonly epilogue: Epilogue;
}

/** acc and u at every [batch, oy, ox, channel] of a convolution, in that order. */
export interface Outputs {
  readonly acc: Int32Array;
  readonly u: Float32Array;
}

type Dot = (pixel: number, tap: number, channel: number) => number;

/** Σ over the taps inside the image of `dot`, for every output; outside, x − inZeroPoint is 0. */
function slide({ batch, geometry: g, epilogue }: Convolution, dot: Dot): Outputs {
  const length = batch * g.outHeight * g.outWidth * g.outChannels;
  const acc = new Int32Array(length);
  const u = new Float32Array(length);
  for (let at = 0; at < length; at++) {
    const channel = at % g.outChannels;
    const position = Math.floor(at / g.outChannels);
    const ox = position % g.outWidth;
    const oy = Math.floor(position / g.outWidth) % g.outHeight;
    const image = Math.floor(position / g.outWidth / g.outHeight);
    let sum = 0;
    for (let tap = 0; tap < g.kernelHeight * g.kernelWidth; tap++) {
      const i = Math.floor(tap / g.kernelWidth);
      const iy = oy * g.strideHeight - g.padTop + i * g.dilationHeight;
      const ix = ox * g.strideWidth - g.padLeft + (tap % g.kernelWidth) * g.dilationWidth;
      if (iy < 0 || iy >= g.inHeight || ix < 0 || ix >= g.inWidth) continue;
      sum += dot((image * g.inHeight + iy) * g.inWidth + ix, tap, channel);
    }
    acc[at] = sum | 0;
    const { bias, multiplier, addend } = epilogue;
    u[at] = scaleAcc(acc[at]!, bias[channel]!, multiplier[channel]!, addend[channel]!);
  }
  return { acc, u };
}

/** acc = Σ_{i,j,c} (x − inZeroPoint) · (w − weightZeroPoint) */
export function conv2dReference(conv: Convolution): Outputs {
  const { x, w, geometry: g, weightZeroPoint } = conv;
  const taps = g.kernelHeight * g.kernelWidth;
  return slide(conv, (pixel, tap, channel) => {
    let sum = 0;
    for (let c = 0; c < g.inChannels; c++) {
      const weight = w[(channel * taps + tap) * g.inChannels + c]! - weightZeroPoint;
      sum += (x[pixel * g.inStride + c]! - g.inZeroPoint) * weight;
    }
    return sum;
  });
}

/** acc[c] = Σ_{i,j} (x[c] − inZeroPoint) · (w[i, j, c] − weightZeroPoint) */
export function dwconv2dReference(conv: Convolution): Outputs {
  const { x, w, geometry: g, weightZeroPoint } = conv;
  return slide(
    conv,
    (pixel, tap, channel) =>
      (x[pixel * g.inStride + channel]! - g.inZeroPoint) *
      (w[tap * g.outChannels + channel]! - weightZeroPoint),
  );
}
