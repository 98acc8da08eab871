import { expect } from 'vitest';
import type { Rng } from '../../../src/core/rng.ts';
import { roundToRange } from '../../../src/core/rounding.ts';
import type { ConvGeometry, Epilogue, Outputs } from '../../reference/int8/conv2d.ts';

/** What a case states; the rest has plain defaults. */
export interface ConvCase extends Partial<ConvGeometry> {
  readonly name: string;
  readonly batch?: number;
  readonly padBottom?: number;
  readonly padRight?: number;
  /** Which scales to draw: plain, or ones that leave 2²² far behind, negative and zero among them. */
  readonly scales?: 'plain' | 'wild';
  /** 0 by default. */
  readonly weightZeroPoint?: number;
  /** Only extreme values of x, w and bias. */
  readonly extreme?: boolean;
}

export function geometryOf(c: ConvCase): ConvGeometry {
  const g = {
    ...{ inHeight: 5, inWidth: 6, inChannels: 8, outChannels: 8, kernelHeight: 1, kernelWidth: 1 },
    ...{ strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 },
    ...{ padTop: 0, padLeft: 0, inZeroPoint: 3, outZeroPoint: -5, qmin: -128, qmax: 127 },
    ...c,
  };
  const extent = (
    size: number,
    before: number,
    after: number,
    kernel: number,
    dilation: number,
    stride: number,
  ) => Math.floor((size + before + after - (kernel - 1) * dilation - 1) / stride) + 1;
  const { padBottom = g.padTop, padRight = g.padLeft } = c;
  return {
    inHeight: g.inHeight,
    inWidth: g.inWidth,
    inChannels: g.inChannels,
    inStride: c.inStride ?? g.inChannels,
    outHeight: extent(
      g.inHeight,
      g.padTop,
      padBottom,
      g.kernelHeight,
      g.dilationHeight,
      g.strideHeight,
    ),
    outWidth: extent(g.inWidth, g.padLeft, padRight, g.kernelWidth, g.dilationWidth, g.strideWidth),
    outChannels: g.outChannels,
    outStride: c.outStride ?? g.outChannels,
    kernelHeight: g.kernelHeight,
    kernelWidth: g.kernelWidth,
    strideHeight: g.strideHeight,
    strideWidth: g.strideWidth,
    dilationHeight: g.dilationHeight,
    dilationWidth: g.dilationWidth,
    padTop: g.padTop,
    padLeft: g.padLeft,
    inZeroPoint: g.inZeroPoint,
    outZeroPoint: g.outZeroPoint,
    qmin: g.qmin,
    qmax: g.qmax,
  };
}

export function randomBytes(rng: Rng, length: number, extreme = false): Int8Array<ArrayBuffer> {
  const draw = () => (extreme ? (rng.below(2) ? 127 : -128) : rng.below(256) - 128);
  return Int8Array.from({ length }, draw);
}

/** Arrays are as long as the kernel may read: channels rounded up to 8, the fill 0. */
export function randomEpilogue(
  rng: Rng,
  g: ConvGeometry,
  k: number,
  c: ConvCase,
): Epilogue & {
  bias: Int32Array<ArrayBuffer>;
  multiplier: Float32Array<ArrayBuffer>;
  addend: Float32Array<ArrayBuffer>;
} {
  const length = Math.ceil(g.outChannels / 8) * 8;
  const bias = new Int32Array(length);
  const multiplier = new Float32Array(length);
  const addend = new Float32Array(length);
  // About the size that spreads the outputs over the int8 range.
  const typical = 0.02 / Math.sqrt(k);
  for (let i = 0; i < g.outChannels; i++) {
    const wild = c.scales === 'wild';
    bias[i] = c.extreme ? (rng.below(2) ? 0x7fffffff : -0x80000000) : rng.below(2000) - 1000;
    const sign = rng.below(4) ? 1 : -1;
    multiplier[i] = wild
      ? [0, 1e6, -1e30, 3e-39, 1, 0.5][rng.below(6)]!
      : sign * typical * (0.5 + rng.uniform());
    addend[i] = wild ? [0, 0.5, -2e9, 1e30, -0.5, 3][rng.below(6)]! : rng.uniform() * 20 - 10;
  }
  return { bias, multiplier, addend };
}

/** [first, count] in the units that a kernel divides: output pixels or rows of the whole batch. */
export type Range = readonly [first: number, count: number];

/**
 * The calls that a test makes for `units` units: all at once with seed 1; three parts of any size, the last one first,
 * with seed 2; with seed 3 nothing but a part in the middle.
 */
export function rangesOf(rng: Rng, units: number, seed: number): Range[] {
  if (seed === 1) return [[0, units]];
  const [from, to] = [rng.below(units + 1), rng.below(units + 1)].sort((a, b) => a - b);
  const middle: Range = [from!, to! - from!];
  return seed === 3 ? [middle] : [[to!, units - to!], middle, [0, from!]];
}

/** [first, end) of the units that these calls compute. */
export function unionOf(ranges: readonly Range[]): Range {
  const first = Math.min(...ranges.map(([start]) => start));
  return [first, Math.max(...ranges.map(([start, count]) => start + count))];
}

/**
 * Compares the output pixels [first, end) of y and u with the reference, tolerance 0; what lies between the pixels, and
 * all others, must still be the fill of outputs.
 */
export function expectOutputs(
  label: string,
  g: ConvGeometry,
  { acc, u }: Outputs,
  epilogue: Epilogue,
  y: Int8Array,
  reals: Float32Array,
  [first, end]: Range,
): void {
  const untouched = new Float32Array(new Uint8Array(4).fill(0x77).buffer)[0]!;
  for (let at = 0; at < y.length; at++) {
    const channel = at % g.outStride;
    const pixel = Math.floor(at / g.outStride);
    const written = channel < g.outChannels && pixel >= first && pixel < end;
    const index = pixel * g.outChannels + channel;
    const real = written ? u[index]! : untouched;
    const q = !written ? 0x77 : roundToRange(real, g.outZeroPoint, g.qmin, g.qmax);
    if (y[at] === q && reals[at] === real) continue;
    expect.fail(
      `${label}: y[${at}] is ${y[at]}, expected ${q}; u is ${reals[at]}, expected ${real}; ` +
        `acc ${acc[index]}, multiplier ${epilogue.multiplier[channel]}, ${JSON.stringify(g)}`,
    );
  }
}

/** Around each step width (4, 8, 16), and primes. */
export const lengths = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 19, 23, 24, 25, 31, 32, 33, 61, 127, 1009,
];

/** Outputs: zero points at both ends, bounds that clamp, a single value. */
export const ranges = [
  { zeroPoint: 0, qmin: -128, qmax: 127 },
  { zeroPoint: -128, qmin: -128, qmax: 127 },
  { zeroPoint: 127, qmin: -128, qmax: 127 },
  { zeroPoint: -7, qmin: -7, qmax: 90 },
  { zeroPoint: 3, qmin: 3, qmax: 3 },
];

export function same(label: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(got[i], expected[i])) {
      expect.fail(`${label}: [${i}] is ${got[i]}, expected ${expected[i]}`);
    }
  }
}
