/**
 * How large the terms of Winograd's minimal filtering are: the same products as `assembly/f32/winograd.ts` and
 * `stridedWinograd.ts` with the absolute value of each matrix and operand. A rounding error is relative to this and not to the
 * sum itself.
 */

import type { Operands } from './conv2d.ts';
import type { ConvParams } from './params.ts';

type Matrix = readonly (readonly number[])[];

/** A way to compute a tile of outputs from a patch of inputs by products, in either direction. */
export interface Filter {
  /** |Bᵀ|, |G| and |Aᵀ|. */
  readonly input: Matrix;
  readonly weight: Matrix;
  readonly output: Matrix;
  readonly stride: number;
}

const INPUT: Matrix = [
  [4, 0, 5, 0, 1, 0],
  [0, 4, 4, 1, 1, 0],
  [0, 4, 4, 1, 1, 0],
  [0, 2, 1, 2, 1, 0],
  [0, 2, 1, 2, 1, 0],
  [0, 4, 0, 5, 0, 1],
];
const WEIGHT: Matrix = [
  [1 / 4, 0, 0],
  [1 / 6, 1 / 6, 1 / 6],
  [1 / 6, 1 / 6, 1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [0, 0, 1],
];
const OUTPUT: Matrix = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, 1, 2, 2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, 1, 8, 8, 1],
];

/** F(4x4, 3x3). */
export const tiles4x4: Filter = { input: INPUT, weight: WEIGHT, output: OUTPUT, stride: 1 };

/** 2x2 outputs of windows of 3x3 with stride 2. */
export const tiles2x2: Filter = {
  input: [
    [1, 0, 1, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 1, 0, 1],
    [0, 1, 0, 0, 0],
    [0, 0, 0, 1, 0],
  ],
  weight: [
    [1, 0, 0],
    [1, 0, 1],
    [0, 0, 1],
    [0, 1, 0],
    [0, 1, 0],
  ],
  output: [
    [1, 1, 0, 1, 0],
    [0, 1, 1, 0, 1],
  ],
  stride: 2,
};

const transposed = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, i) => sum + v * b[i]![j]!, 0)));

/** m·x·mᵀ */
const both = (m: Matrix, x: Matrix): Matrix => product(product(m, x), transposed(m));

const square = (n: number, f: (i: number, j: number) => number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => f(i, j)));

/** |value| of a pixel of [N, height, width], 0 outside. */
function pixel(
  values: Float32Array,
  [height, width, stride]: readonly [number, number, number],
  [n, y, x, c]: readonly [number, number, number, number],
): number {
  if (y < 0 || y >= height || x < 0 || x >= width) return 0;
  return Math.abs(values[((n * height + y) * width + x) * stride + c]!);
}

/** Calls back with each tile of each sample. */
function tiles(
  { output }: Filter,
  p: ConvParams,
  batch: number,
  at: (n: number, oy: number, ox: number) => void,
): void {
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < p.outHeight; oy += output.length)
      for (let ox = 0; ox < p.outWidth; ox += output.length) at(n, oy, ox);
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function operandsOf(filter: Filter, p: ConvParams, { x, w, dy }: Operands) {
  const { stride } = filter;
  const input = [p.inHeight, p.inWidth, p.inStride] as const;
  const output = [p.outHeight, p.outWidth, p.outStride] as const;
  return {
    patch: (n: number, oy: number, ox: number, c: number) =>
      both(
        filter.input,
        square(filter.input[0]!.length, (i, j) =>
          pixel(x, input, [n, oy * stride - p.padTop + i, ox * stride - p.padLeft + j, c]),
        ),
      ),
    gradient: (n: number, oy: number, ox: number, o: number) =>
      both(
        transposed(filter.output),
        square(filter.output.length, (i, j) => pixel(dy, output, [n, oy + i, ox + j, o])),
      ),
    weights: (o: number, c: number) =>
      both(
        filter.weight,
        square(3, (i, j) => Math.abs(w[(o * 9 + i * 3 + j) * p.inChannels + c]!)),
      ),
  };
}

/** Σ over channels or tiles of a ∘ b. */
const sumOfProducts = (pairs: readonly (readonly [Matrix, Matrix])[]): Matrix =>
  square(pairs[0]![0].length, (i, j) =>
    pairs.reduce((sum, [a, b]) => sum + a[i]![j]! * b[i]![j]!, 0),
  );

/** Sizes of y, dense: [N, outHeight, outWidth, Co]. */
export function outputSizes(
  filter: Filter,
  p: ConvParams,
  batch: number,
  operands: Operands,
): Float64Array {
  const { patch, weights } = operandsOf(filter, p, operands);
  const extent = filter.output.length;
  const n = p.outChannels;
  const sizes = new Float64Array(batch * p.outHeight * p.outWidth * n);
  const u = range(n).map((o) => range(p.inChannels).map((c) => weights(o, c)));
  tiles(filter, p, batch, (sample, oy, ox) => {
    const v = range(p.inChannels).map((c) => patch(sample, oy, ox, c));
    for (let o = 0; o < n; o++) {
      const y = both(filter.output, sumOfProducts(v.map((d, c) => [d, u[o]![c]!] as const)));
      for (let i = 0; i < Math.min(extent, p.outHeight - oy); i++)
        for (let j = 0; j < Math.min(extent, p.outWidth - ox); j++)
          sizes[((sample * p.outHeight + oy + i) * p.outWidth + ox + j) * n + o] = y[i]![j]!;
    }
  });
  return sizes;
}

/** Sizes of dw [Co, 3, 3, Ci]. */
export function weightGradientSizes(
  filter: Filter,
  p: ConvParams,
  batch: number,
  operands: Operands,
): Float64Array {
  const { patch, gradient } = operandsOf(filter, p, operands);
  const sizes = new Float64Array(p.outChannels * 9 * p.inChannels);
  const places: (readonly [number, number, number])[] = [];
  tiles(filter, p, batch, (...place) => places.push(place));
  const v = range(p.inChannels).map((c) => places.map((place) => patch(...place, c)));
  const dv = range(p.outChannels).map((o) => places.map((place) => gradient(...place, o)));
  for (const [o, a] of dv.entries())
    for (const [c, b] of v.entries()) {
      const sums = sumOfProducts(a.map((matrix, t) => [matrix, b[t]!] as const));
      const dw = both(transposed(filter.weight), sums);
      for (let tap = 0; tap < 9; tap++)
        sizes[(o * 9 + tap) * p.inChannels + c] = dw[Math.floor(tap / 3)]![tap % 3]!;
    }
  return sizes;
}

/** Sizes of dx, dense: [N, inHeight, inWidth, Ci]. */
export function inputGradientSizes(
  filter: Filter,
  p: ConvParams,
  batch: number,
  operands: Operands,
): Float64Array {
  const { gradient, weights } = operandsOf(filter, p, operands);
  const c = p.inChannels;
  const sizes = new Float64Array(batch * p.inHeight * p.inWidth * c);
  const u = range(c).map((i) => range(p.outChannels).map((o) => weights(o, i)));
  tiles(filter, p, batch, (sample, oy, ox) => {
    const g = range(p.outChannels).map((o) => gradient(sample, oy, ox, o));
    for (let i = 0; i < c; i++) {
      const products = sumOfProducts(g.map((d, o) => [d, u[i]![o]!] as const));
      both(transposed(filter.input), products).forEach((row, dy) => {
        row.forEach((size, dx) => {
          const [y, x] = [oy * filter.stride - p.padTop + dy, ox * filter.stride - p.padLeft + dx];
          if (y < 0 || y >= p.inHeight || x < 0 || x >= p.inWidth) return;
          sizes[((sample * p.inHeight + y) * p.inWidth + x) * c + i]! += size;
        });
      });
    }
  });
  return sizes;
}
