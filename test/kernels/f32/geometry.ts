import type { Rng } from '../../../src/core/rng.ts';
import type { ConvParams } from '../../reference/f32/params.ts';

/** What a case states; the rest has plain defaults. `kernel`, `stride`, `dilation` are [height, width]. */
export interface ConvCase {
  readonly name: string;
  readonly batch?: number;
  readonly size?: readonly [number, number];
  readonly ci: number;
  readonly co: number;
  readonly kernel?: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  /** top, bottom, left, right */
  readonly pad?: readonly [number, number, number, number];
  /** Floats between the channels of one pixel and the next, in x and in y. */
  readonly gap?: readonly [number, number];
}

export function paramsOf(c: ConvCase): ConvParams {
  const [inHeight, inWidth] = c.size ?? [5, 6];
  const [kernelHeight, kernelWidth] = c.kernel ?? [1, 1];
  const [strideHeight, strideWidth] = c.stride ?? [1, 1];
  const [dilationHeight, dilationWidth] = c.dilation ?? [1, 1];
  const [top, bottom, left, right] = c.pad ?? [0, 0, 0, 0];
  const [xGap, yGap] = c.gap ?? [0, 0];
  const outputs = (size: number, pad: number, kernel: number, stride: number, dilation: number) =>
    Math.floor((size + pad - (kernel - 1) * dilation - 1) / stride) + 1;
  return {
    inHeight,
    inWidth,
    inChannels: c.ci,
    inStride: c.ci + xGap,
    outHeight: outputs(inHeight, top + bottom, kernelHeight, strideHeight, dilationHeight),
    outWidth: outputs(inWidth, left + right, kernelWidth, strideWidth, dilationWidth),
    outChannels: c.co,
    outStride: c.co + yGap,
    kernelHeight,
    kernelWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    padTop: top,
    padLeft: left,
    ...{ inZeroPoint: 0, outZeroPoint: 0, qmin: 0, qmax: 0, bias: 0, multiplier: 0, addend: 0 },
    magic: 0,
  };
}

/** Kernel, stride, padding and dilation drawn at random; the output has at least one pixel. */
export function randomCase(rng: Rng, channels: (rng: Rng) => readonly [number, number]): ConvCase {
  for (;;) {
    const [ci, co] = channels(rng);
    const pair = (from: number, n: number) => [from + rng.below(n), from + rng.below(n)] as const;
    const kernel = pair(1, 4);
    const c = {
      ...{ name: 'random', ci, co, kernel, batch: 1 + rng.below(3), size: pair(1, 9) },
      ...{
        stride: pair(1, 3),
        dilation: pair(1, 3),
        gap: [rng.below(2) * 3, rng.below(2) * 5] as const,
      },
      pad: [...pair(0, 4), ...pair(0, 4)] as unknown as readonly [number, number, number, number],
    };
    const p = paramsOf(c);
    if (p.outHeight > 0 && p.outWidth > 0) return c;
  }
}
