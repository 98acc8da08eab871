import type { ConvParams } from './params.ts';

/**
 * A convolution is the trilinear form Σ dy·x·w over all (output, input, weight) that meet; the output, and the
 * gradients in x and in w, are its partial derivatives. `meet` lists the triples of element indices.
 */
export type Meet = (
  p: ConvParams,
  batch: number,
  at: (y: number, x: number, w: number) => void,
) => void;

/** Windows of one axis pair: calls back with the pixel indices of output and input, and the tap. */
function windows(
  p: ConvParams,
  batch: number,
  at: (outPixel: number, inPixel: number, tap: number) => void,
): void {
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < p.outHeight; oy++)
      for (let ox = 0; ox < p.outWidth; ox++)
        for (let i = 0; i < p.kernelHeight; i++)
          for (let j = 0; j < p.kernelWidth; j++) {
            const iy = oy * p.strideHeight - p.padTop + i * p.dilationHeight;
            const ix = ox * p.strideWidth - p.padLeft + j * p.dilationWidth;
            if (iy < 0 || iy >= p.inHeight || ix < 0 || ix >= p.inWidth) continue;
            const out = (n * p.outHeight + oy) * p.outWidth + ox;
            at(out, (n * p.inHeight + iy) * p.inWidth + ix, i * p.kernelWidth + j);
          }
}

/** x, y NHWC with pixel strides, w OHWI. */
export const dense: Meet = (p, batch, at) => {
  const taps = p.kernelHeight * p.kernelWidth;
  windows(p, batch, (out, pixel, tap) => {
    for (let o = 0; o < p.outChannels; o++)
      for (let c = 0; c < p.inChannels; c++)
        at(out * p.outStride + o, pixel * p.inStride + c, (o * taps + tap) * p.inChannels + c);
  });
};

/** x, y NHWC with pixel strides, w HWC. */
export const depthwise: Meet = (p, batch, at) => {
  windows(p, batch, (out, pixel, tap) => {
    for (let c = 0; c < p.outChannels; c++)
      at(out * p.outStride + c, pixel * p.inStride + c, tap * p.outChannels + c);
  });
};

/** A float64 result and the sum of the absolute terms, to which rounding errors are relative. */
export interface Sum {
  readonly value: Float64Array;
  readonly size: Float64Array;
}

function accumulate(length: number): Sum & { add(i: number, term: number): void } {
  const value = new Float64Array(length);
  const size = new Float64Array(length);
  const add = (i: number, term: number) => {
    value[i] = value[i]! + term;
    size[i] = size[i]! + Math.abs(term);
  };
  return { value, size, add };
}

export interface Operands {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly dy: Float32Array;
}

/** ∂/∂dy: the output, without bias. */
export function output(meet: Meet, p: ConvParams, batch: number, { x, w, dy }: Operands): Sum {
  const sum = accumulate(dy.length);
  meet(p, batch, (i, j, k) => {
    sum.add(i, x[j]! * w[k]!);
  });
  return sum;
}

/** ∂/∂x */
export function inputGradient(
  meet: Meet,
  p: ConvParams,
  batch: number,
  { x, w, dy }: Operands,
): Sum {
  const sum = accumulate(x.length);
  meet(p, batch, (i, j, k) => {
    sum.add(j, dy[i]! * w[k]!);
  });
  return sum;
}

/** ∂/∂w */
export function weightGradient(
  meet: Meet,
  p: ConvParams,
  batch: number,
  { x, w, dy }: Operands,
): Sum {
  const sum = accumulate(w.length);
  meet(p, batch, (i, j, k) => {
    sum.add(k, dy[i]! * x[j]!);
  });
  return sum;
}
