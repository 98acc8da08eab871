/** How calls of kernels that work element by element or row by row are divided: see `divide.ts`. */

import { FUNCTION_SCRATCH_BYTES } from '../core/f32Layout.ts';
import {
  type Args,
  COST_OF_ELEMENT,
  type Division,
  type Fields,
  type Rule,
  type Rules,
  shifted,
} from './division.ts';

/** Elements of a softmax, in the same measure. */
const COST_OF_EXPONENTIAL = 24;

/** So that no two threads write to one line: of i8, and so of f32. */
const CACHE_LINE = 64;

/** Kernels (n, …) that compute each element from those at its place; strides in bytes by index of the argument. */
function elements(strides: Readonly<Record<number, number>>): Rule {
  return (args) => ({
    units: args[0]!,
    unitCost: COST_OF_ELEMENT,
    grain: CACHE_LINE,
    part: (first, count) => shifted(args, 0, strides, first, count),
  });
}

/** The parts of a kernel (params, first, count, …) of whole tensors. */
function range([params, start, , ...rest]: Args): Division['part'] {
  return (first, count) => [params!, start! + first, count, ...rest];
}

/** Kernels (params, first, count, …) that resize: rows, or samples, of so much time. */
function resized(unitCost: (fields: Fields) => number): Rule {
  return (args, memory) => {
    const cost = unitCost(memory.fields('ResizeParams', args[0]!));
    return { units: args[2]!, unitCost: cost, part: range(args) };
  };
}

/** `f32_vbinary`: rows or, where there is only one, its elements. */
const binary: Rule = (args) => {
  const [rows, n, , , aRow, aStep, , bRow, bStep] = args as number[];
  const [at, sizes] = rows! > 1 ? [0, [aRow!, bRow!, n!]] : [1, [aStep!, bStep!, 1]];
  const [a, b, y] = sizes.map((size) => 4 * size) as [number, number, number];
  return {
    units: args[at]!,
    unitCost: at === 0 ? COST_OF_ELEMENT * n! : COST_OF_ELEMENT,
    grain: at === 0 ? 1 : CACHE_LINE,
    part: (first, count) => shifted(args, at, { 3: a, 6: b, 9: y, 10: y }, first, count),
  };
};

/** As `elements`, with constants of its own, the argument `at`, for each part. */
function functions(strides: Readonly<Record<number, number>>, at: number): Rule {
  return (args, memory) => {
    const division = elements(strides)(args, memory);
    return {
      ...division,
      part: (first, count) => {
        const part = [...division.part(first, count)];
        if (first > 0) part[at] = memory.scratch(FUNCTION_SCRATCH_BYTES);
        return part;
      },
    };
  };
}

/** Kernels (rows, channels, …); bytes of an element by index of the argument. */
function rows(elements: Readonly<Record<number, 1 | 4>>): Rule {
  return (args) => {
    const entries = Object.entries(elements).map(([at, bytes]) => [at, bytes * args[1]!]);
    const strides = Object.fromEntries(entries);
    return {
      units: args[0]!,
      unitCost: COST_OF_ELEMENT * args[1]!,
      part: (first, count) => shifted(args, 0, strides, first, count),
    };
  };
}

export const elementDivisions: Rules = {
  f32_vaffine: rows({ 2: 4, 5: 4 }),
  f32_qs8_vaffine: rows({ 2: 4, 5: 1 }),
  f32_batchnorm_backward: rows({ 2: 4, 3: 4, 9: 4 }),
  f32_vclamp: elements({ 1: 4, 2: 4 }),
  f32_vclamp_backward: elements({ 1: 4, 2: 4, 3: 4 }),
  f32_vadd: elements({ 1: 4, 2: 4, 3: 4 }),
  f32_vscale: elements({ 1: 4, 3: 4 }),
  f32_softmax: (args, memory) => ({
    units: args[1]!,
    unitCost: COST_OF_EXPONENTIAL * args[2]!,
    part(first, count) {
      const [start, , ...rest] = args as [number, number, ...number[]];
      const constants = first > 0 ? memory.scratch(FUNCTION_SCRATCH_BYTES) : rest.at(-1)!;
      return [start + first, count, ...rest.slice(0, -1), constants];
    },
  }),
  f32_softmax_backward: rows({ 2: 4, 3: 4, 5: 4 }),
  f32_l2norm: rows({ 2: 4, 3: 4 }),
  f32_l2norm_backward: rows({ 2: 4, 3: 4, 4: 4, 5: 4 }),
  f32_mean: (args) => {
    const [outer, n, inner] = args as [number, number, number];
    return {
      units: outer,
      unitCost: COST_OF_ELEMENT * n * inner,
      part: (first, count) => shifted(args, 0, { 3: 4 * n * inner, 4: 4 * inner }, first, count),
    };
  },
  f32_resize_bilinear: resized(({ outWidth, channels }) => 4 * outWidth! * channels!),
  f32_resize_bilinear_backward: resized(
    ({ outHeight, outWidth, channels }) => 12 * outHeight! * outWidth! * channels!,
  ),
  f32_scatter_add: (args, memory) => {
    const { rows, columns, bytes } = memory.fields('GatherParams', args[0]!);
    return { units: args[2]!, unitCost: 2 * rows! * columns! * bytes!, part: range(args) };
  },
  f32_vbinary: binary,
  f32_row_sums: (args) => ({
    units: args[0]!,
    unitCost: COST_OF_ELEMENT * args[1]!,
    part: (first, count) => shifted(args, 0, { 2: 4 * args[1]!, 3: 4 }, first, count),
  }),
  f32_vfunction: functions({ 3: 4, 4: 4 }, 5),
  f32_vfunction_backward: functions({ 3: 4, 4: 4, 5: 4, 6: 4 }, 7),
  f32_qs8_vquantize: elements({ 1: 4, 2: 1 }),
  qs8_f32_vdequantize: elements({ 1: 1, 2: 4 }),
  qs8_vclamp: elements({ 1: 1, 2: 1 }),
  f32_sgd: elements({ 1: 4, 2: 4, 3: 4 }),
  f32_adam: elements({ 1: 4, 2: 4, 3: 4, 4: 4 }),
  f32_rmsprop: elements({ 1: 4, 2: 4, 3: 4, 4: 4, 5: 4 }),
  f32_average: elements({ 1: 4, 2: 4 }),
};
