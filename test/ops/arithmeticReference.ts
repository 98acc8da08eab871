import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { MeanAttrs } from '../../src/ops/mean.ts';
import type { AlphaAttrs } from '../../src/ops/unary.ts';
import type { Tensor64 } from './reference.ts';

/** The indices of element `at` of a tensor of `shape`. */
function indicesOf(at: number, shape: Shape): number[] {
  const indices = [...shape].reverse().map((extent) => {
    const index = at % extent;
    at = Math.floor(at / extent);
    return index;
  });
  return indices.reverse();
}

/** The element at `indices`, of which leading ones may be too many, and axes of extent 1 repeat. */
function valueAt({ shape, data }: Tensor64, indices: readonly number[]): number {
  const own = indices.slice(indices.length - shape.length);
  return data[shape.reduce((at, extent, axis) => at * extent + (own[axis]! % extent), 0)]!;
}

function binary(f: (a: number, b: number) => number) {
  return ([a, b]: readonly Tensor64[], yShape: Shape) =>
    Float64Array.from({ length: sizeOf(yShape) }, (_, at) => {
      const indices = indicesOf(at, yShape);
      return f(valueAt(a!, indices), valueAt(b!, indices));
    });
}

function unary(f: (x: number, alpha: number) => number) {
  return ([x]: readonly Tensor64[], _yShape: Shape, { alpha }: AlphaAttrs) =>
    x!.data.map((value) => f(value, alpha));
}

/** What `f` makes of each row of the last axis, in the row's place. */
function rows(f: (row: readonly number[]) => readonly number[]) {
  return ([x]: readonly Tensor64[]) => {
    const n = x!.shape.at(-1)!;
    const parts = Array.from({ length: x!.data.length / n }, (_, row) =>
      f(Array.from(x!.data.subarray(row * n, (row + 1) * n))),
    );
    return Float64Array.from(parts.flat());
  };
}

/** What `f` makes of the elements of x along `axes`, for each place that the other axes have. */
function reduce(
  f: (values: readonly number[]) => number,
  { data, shape }: Tensor64,
  axes: readonly number[],
) {
  const groups = new Map<string, number[]>();
  data.forEach((value, at) => {
    const place = indicesOf(at, shape)
      .filter((_, axis) => !axes.includes(axis))
      .join();
    groups.set(place, [...(groups.get(place) ?? []), value]);
  });
  return Float64Array.from([...groups.values()].map(f));
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** The normal distribution, by Simpson's rule from 0. */
function normal(x: number): number {
  const steps = 2000;
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const weight = (i: number) => (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
  const terms = Array.from({ length: steps + 1 }, (_, i) => weight(i) * density((x * i) / steps));
  return 0.5 + (total(terms) * x) / (3 * steps);
}

export const arithmeticReferences = {
  abs: unary(Math.abs),
  elu: unary((x, alpha) => (x > 0 ? x : alpha * Math.expm1(x))),
  exp: unary(Math.exp),
  gelu: unary((x) => x * normal(x)),
  hardSwish: unary((x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6),
  leakyRelu: unary((x, alpha) => (x > 0 ? x : alpha * x)),
  log: unary(Math.log),
  negate: unary((x) => -x),
  rsqrt: unary((x) => 1 / Math.sqrt(x)),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  sqrt: unary(Math.sqrt),
  square: unary((x) => x ** 2),
  swish: unary((x) => x / (1 + Math.exp(-x))),
  tanh: unary(Math.tanh),
  argMax: ([x]: readonly Tensor64[], _yShape: Shape, { axis }: { axis: number }) =>
    reduce((values) => values.indexOf(Math.max(...values)), x!, [axis]),
  dequantize: unary((x) => x),
  l2Normalize: rows((row) => row.map((x) => x / Math.hypot(...row))),
  /** It has no cases: there are no bytes among floats. */
  lookup: unary((x) => x),
  maximum: binary(Math.max),
  mean: ([x]: readonly Tensor64[], _yShape: Shape, { axes }: MeanAttrs) =>
    reduce((values) => total(values) / values.length, x!, axes),
  minimum: binary(Math.min),
  multiply: binary((a, b) => a * b),
  prelu: binary((x, alpha) => (x > 0 ? x : alpha * x)),
  quantize: unary((x) => x),
  softmax: rows((row) => {
    const powers = row.map((x) => Math.exp(x));
    return powers.map((power) => power / total(powers));
  }),
  subtract: binary((a, b) => a - b),
};

/** As `binary` has it, with axes that repeat. */
export const addReference = binary((a, b) => a + b);
