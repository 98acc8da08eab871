import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { NormAttrs } from '../../src/ops/batchNormalization.ts';
import type { PoolAttrs, WindowAttrs } from '../../src/ops/geometry.ts';
import type { OpName } from '../../src/ops/table.ts';
import { addReference, arithmeticReferences } from './arithmeticReference.ts';
import { attentionReferences } from './attentionCases.ts';
import { movementReferences } from './movementReference.ts';
import { recurrentReferences } from './recurrentReference.ts';

/** A float64 tensor. */
export interface Tensor64 {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** y [yShape] from the inputs, by the equation of the op. `training` chooses batch statistics. */
type Reference = (
  inputs: readonly Tensor64[],
  yShape: Shape,
  attrs: never,
  training: boolean,
) => Float64Array;

type Four = readonly [number, number, number, number];

/** Calls back with (n, oy, ox) and the taps of that window inside x: (iy, ix, i, j). */
function forEachWindow(
  x: Shape,
  y: Shape,
  [kh, kw]: readonly [number, number],
  { strides, padding, dilation }: WindowAttrs,
  visit: (pixel: number, taps: { at: number; tap: number }[]) => void,
): void {
  const [batch, height, width] = x as Four;
  const [, outHeight, outWidth] = y as Four;
  for (let pixel = 0; pixel < batch * outHeight * outWidth; pixel++) {
    const n = Math.floor(pixel / (outHeight * outWidth));
    const oy = Math.floor(pixel / outWidth) % outHeight;
    const ox = pixel % outWidth;
    const taps = [];
    for (let tap = 0; tap < kh * kw; tap++) {
      const iy = oy * strides[0] - padding[0][0] + Math.floor(tap / kw) * dilation[0];
      const ix = ox * strides[1] - padding[1][0] + (tap % kw) * dilation[1];
      if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
      taps.push({ at: (n * height + iy) * width + ix, tap });
    }
    visit(pixel, taps);
  }
}

function conv2d([x, w, b]: readonly Tensor64[], yShape: Shape, attrs: WindowAttrs): Float64Array {
  const [co, kh, kw, ci] = w!.shape as Four;
  const y = new Float64Array(sizeOf(yShape));
  forEachWindow(x!.shape, yShape, [kh, kw], attrs, (pixel, taps) => {
    for (let o = 0; o < co; o++) {
      let sum = b?.data[o] ?? 0;
      for (const { at, tap } of taps) {
        for (let c = 0; c < ci; c++) {
          sum += x!.data[at * ci + c]! * w!.data[(o * kh * kw + tap) * ci + c]!;
        }
      }
      y[pixel * co + o] = sum;
    }
  });
  return y;
}

function depthwise([x, w, b]: readonly Tensor64[], yShape: Shape, attrs: WindowAttrs) {
  const [kh, kw, channels] = w!.shape as readonly [number, number, number];
  const y = new Float64Array(sizeOf(yShape));
  forEachWindow(x!.shape, yShape, [kh, kw], attrs, (pixel, taps) => {
    for (let c = 0; c < channels; c++) {
      let sum = b?.data[c] ?? 0;
      for (const { at, tap } of taps)
        sum += x!.data[at * channels + c]! * w!.data[tap * channels + c]!;
      y[pixel * channels + c] = sum;
    }
  });
  return y;
}

function dense([x, w, b]: readonly Tensor64[], yShape: Shape): Float64Array {
  const [units, k] = w!.shape as readonly [number, number];
  return Float64Array.from({ length: sizeOf(yShape) }, (_, i) => {
    const [n, u] = [Math.floor(i / units), i % units];
    let sum = b?.data[u] ?? 0;
    for (let j = 0; j < k; j++) sum += x!.data[n * k + j]! * w!.data[u * k + j]!;
    return sum;
  });
}

function pool(choose: (taps: readonly number[]) => number) {
  return ([x]: readonly Tensor64[], yShape: Shape, attrs: PoolAttrs): Float64Array => {
    const channels = yShape[3]!;
    const y = new Float64Array(sizeOf(yShape));
    forEachWindow(x!.shape, yShape, attrs.poolSize, attrs, (pixel, taps) => {
      for (let c = 0; c < channels; c++) {
        y[pixel * channels + c] = choose(taps.map(({ at }) => x!.data[at * channels + c]!));
      }
    });
    return y;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function globalAverage([x]: readonly Tensor64[]): Float64Array {
  const [batch, height, width, channels] = x!.shape as Four;
  const pixels = height * width;
  return Float64Array.from({ length: batch * channels }, (_, i) => {
    const [n, c] = [Math.floor(i / channels), i % channels];
    return mean(
      Array.from({ length: pixels }, (_, p) => x!.data[(n * pixels + p) * channels + c]!),
    );
  });
}

/** Mean and biased variance per channel. */
export function moments({ shape, data }: Tensor64): { mean: number; variance: number }[] {
  const channels = shape.at(-1)!;
  return Array.from({ length: channels }, (_, c) => {
    const values = [...data].filter((_, i) => i % channels === c);
    const m = mean(values);
    return { mean: m, variance: mean(values.map((value) => (value - m) ** 2)) };
  });
}

function batchNormalization(
  inputs: readonly Tensor64[],
  _yShape: Shape,
  { epsilon }: NormAttrs,
  training: boolean,
): Float64Array {
  const [x, gamma, beta, movingMean, movingVariance] = inputs as [Tensor64, ...Tensor64[]];
  const batch = training ? moments(x) : undefined;
  const channels = x.shape.at(-1)!;
  return x.data.map((value, i) => {
    const c = i % channels;
    const running = { mean: movingMean!.data[c]!, variance: movingVariance!.data[c]! };
    const { mean, variance } = batch ? batch[c]! : running;
    return (gamma!.data[c]! * (value - mean)) / Math.sqrt(variance + epsilon) + beta!.data[c]!;
  });
}

export const references = {
  ...movementReferences,
  ...arithmeticReferences,
  ...recurrentReferences,
  ...attentionReferences,
  add: addReference,
  averagePool2d: pool(mean),
  batchNormalization,
  conv2d,
  dense,
  depthwiseConv2d: depthwise,
  flatten: ([x]) => x!.data.slice(),
  globalAveragePool2d: globalAverage,
  maxPool2d: pool((taps) => Math.max(...taps)),
  dropout: ([x]) => x!.data.slice(),
  relu: ([x]) => x!.data.map((value) => Math.max(value, 0)),
  relu6: ([x]) => x!.data.map((value) => Math.min(Math.max(value, 0), 6)),
} satisfies Record<OpName, Reference>;

export function reference(op: OpName): Reference {
  return references[op] as Reference;
}

/** ∂ Σ dy·y / ∂ inputs[which] by central differences with step h. */
export function differences(
  f: (inputs: readonly Tensor64[]) => Float64Array,
  inputs: readonly Tensor64[],
  which: number,
  dy: Float64Array,
  h: number,
): Float64Array {
  const data = inputs[which]!.data.slice();
  const moved = inputs.map((input, i) => (i === which ? { ...input, data } : input));
  return data.map((value, i) => {
    data[i] = value + h;
    const above = f(moved);
    data[i] = value - h;
    const below = f(moved);
    data[i] = value;
    return dy.reduce((sum, g, j) => sum + g * (above[j]! - below[j]!), 0) / (2 * h);
  });
}
