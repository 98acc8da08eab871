/**
 * How a call of a kernel becomes calls that threads can make at the same time: each computes some of the samples, rows or
 * elements, which no other touches, and computes them as the whole call would. Kernels that are missing here run whole, and
 * sums over the batch are divided by their chunks (`Crew.together`).
 */

import { type StructName, structs } from '../core/abi.ts';
import {
  FUNCTION_SCRATCH_BYTES,
  f32Conv2dScratchBytes,
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  f32InputGradientScratchBytes,
  f32WinogradScratchBytes,
} from '../core/f32Layout.ts';
import {
  conv2dScratchBytes,
  dwconv2dScratchBytes,
  paddedDepth,
  winogradScratchBytes,
} from '../core/int8Layout.ts';
import { weightDivisions } from './divideWeights.ts';
import { type Args, COST_OF_ELEMENT, type Fields, type Rule, shifted } from './division.ts';

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

interface Images {
  readonly struct: 'ConvParams' | 'PoolParams';
  /** Indices of pointers to images of the input and of the output, with the bytes of an element. */
  readonly inputs: Readonly<Record<number, 1 | 4>>;
  readonly outputs: Readonly<Record<number, 1 | 4>>;
  /** Products for each element of the output, given the fields. */
  cost(fields: Fields): number;
  /** Index of the scratch, and its size. */
  readonly scratch?: readonly [at: number, bytes: (fields: Fields) => number];
}

/** Kernels (params, batch, …): a unit is a sample. */
function images({ struct, inputs, outputs, cost, scratch }: Images): Rule {
  return (args, memory) => {
    const fields = memory.fields(struct, args[0]!);
    const inBytes = fields.inHeight! * fields.inWidth! * (fields.inStride ?? fields.channels!);
    const outSize = fields.outHeight! * fields.outWidth! * (fields.outStride ?? fields.channels!);
    const scaled = (size: number, by: Readonly<Record<number, number>>) =>
      Object.entries(by).map(([at, bytes]) => [at, size * bytes] as const);
    const strides = Object.fromEntries([...scaled(inBytes, inputs), ...scaled(outSize, outputs)]);
    return {
      units: args[1]!,
      unitCost: outSize * cost(fields),
      part: (first, count) => {
        const part = shifted(args, 1, strides, first, count);
        if (scratch && first > 0) part[scratch[0]] = memory.scratch(scratch[1](fields));
        return part;
      },
    };
  };
}

const patch = ({ kernelHeight, kernelWidth, inChannels }: Fields) =>
  kernelHeight! * kernelWidth! * inChannels!;
/** Of an output and an input channel: 36 products for 16 outputs, and the time of the transforms. */
const PRODUCTS_OF_TILE = 3;
/** 16 for 4 outputs, and the time of the transforms. */
const PRODUCTS_OF_INTEGER_TILE = 5;
const taps = ({ kernelHeight, kernelWidth }: Fields) => 3 * kernelHeight! * kernelWidth!;

/** Kernels (params, first, count, …, scratch) of `unitSize` outputs a unit. */
function ranges(
  unitSize: (fields: Fields) => number,
  cost: (fields: Fields) => number,
  bytes: (fields: Fields) => number,
): Rule {
  return (args, memory) => {
    const fields = memory.fields('ConvParams', args[0]!);
    return {
      units: args[2]!,
      unitCost: unitSize(fields) * cost(fields),
      part: (first, count) => {
        const [params, start, , ...rest] = args as [number, number, number, ...number[]];
        const scratch = first > 0 ? memory.scratch(bytes(fields)) : rest.at(-1)!;
        return [params, start + first, count, ...rest.slice(0, -1), scratch];
      },
    };
  };
}

/** Kernels (rows, n, k, …, scratch) over w [n, k]: a unit is one of its rows or columns, `countAt` the index of their number. */
function sides(
  countAt: 1 | 2,
  strides: (args: Args) => Readonly<Record<number, number>>,
  bytes: (args: Args) => number,
): Rule {
  return (args, memory) => ({
    units: args[countAt]!,
    unitCost: args[0]! * args[3 - countAt]!,
    // What a kernel takes together, and whole lines of the cache.
    grain: 16,
    part: (first, count) => {
      const part = shifted(args, countAt, strides(args), first, count);
      if (first > 0) part[args.length - 1] = memory.scratch(bytes(args));
      return part;
    },
  });
}

const pool = (inputs: Images['inputs'], outputs: Images['outputs']) =>
  images({ struct: 'PoolParams', inputs, outputs, cost: taps });

export const divisions: Readonly<Record<string, Rule>> = {
  ...weightDivisions,
  f32_conv2d: images({
    struct: 'ConvParams',
    inputs: { 2: 4 },
    outputs: { 5: 4 },
    cost: patch,
    scratch: [6, (fields) => f32Conv2dScratchBytes(patch(fields))],
  }),
  f32_winograd2d: images({
    struct: 'ConvParams',
    inputs: { 2: 4 },
    outputs: { 5: 4 },
    cost: ({ inChannels }) => PRODUCTS_OF_TILE * inChannels!,
    scratch: [6, ({ inChannels }) => f32WinogradScratchBytes(inChannels!)],
  }),
  f32_conv2d_input_gradient: images({
    struct: 'ConvParams',
    inputs: { 4: 4 },
    outputs: { 2: 4 },
    cost: patch,
    scratch: [5, (fields) => f32InputGradientScratchBytes(patch(fields))],
  }),
  f32_dense: sides(
    1,
    ([, , k]) => ({ 4: 4 * k!, 5: 4, 6: 4 }),
    ([rows]) => f32DenseScratchBytes(rows!),
  ),
  f32_dense_input_gradient: sides(
    2,
    () => ({ 4: 4, 5: 4 }),
    ([, n]) => f32DenseInputGradientScratchBytes(n!),
  ),
  f32_dense_weight_gradient: sides(
    1,
    ([, , k]) => ({ 3: 4, 6: 4 * k! }),
    ([rows]) => f32DenseWeightGradientScratchBytes(rows!),
  ),
  f32_dwconv2d: images({
    struct: 'ConvParams',
    inputs: { 2: 4 },
    outputs: { 5: 4 },
    cost: taps,
  }),
  f32_dwconv2d_input_gradient: images({
    struct: 'ConvParams',
    inputs: { 4: 4 },
    outputs: { 2: 4 },
    cost: taps,
  }),
  qs8_f32_conv2d: ranges(
    ({ outChannels }) => outChannels!,
    patch,
    (fields) => conv2dScratchBytes(paddedDepth(fields as never)),
  ),
  qs8_f32_winograd2d: ranges(
    ({ outWidth, outChannels }) => 2 * outWidth! * outChannels!,
    ({ inChannels }) => PRODUCTS_OF_INTEGER_TILE * inChannels!,
    ({ inChannels }) => winogradScratchBytes(inChannels!),
  ),
  qs8_f32_dwconv2d: ranges(
    ({ outWidth, outChannels }) => outWidth! * outChannels!,
    taps,
    ({ inChannels, kernelHeight, kernelWidth }) =>
      dwconv2dScratchBytes(inChannels!, kernelHeight!, kernelWidth!),
  ),
  f32_maxpool2d: pool({ 2: 4 }, { 3: 4 }),
  f32_maxpool2d_backward: pool({ 2: 4, 5: 4 }, { 3: 4, 4: 4 }),
  qs8_maxpool2d_backward: pool({ 2: 1, 5: 4 }, { 3: 1, 4: 4 }),
  f32_avgpool2d: pool({ 2: 4 }, { 3: 4 }),
  f32_avgpool2d_backward: pool({ 3: 4 }, { 2: 4 }),
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
};

/** The fields of a params struct in memory. */
export function readFields(view: DataView, struct: StructName, ptr: number): Fields {
  const entries = Object.entries(structs[struct]).map(([name, type], i) => {
    const at = ptr + 4 * i;
    return [name, type === 'f32' ? view.getFloat32(at, true) : view.getInt32(at, true)] as const;
  });
  return Object.fromEntries(entries);
}
