/**
 * How a call of a kernel becomes calls that threads can make at the same time: each computes some of the samples, rows,
 * elements or, over weights, output channels and panels, which no other touches, and computes them as the whole call would. Kernels that are missing here run whole: those of
 * recurrent layers have the batch in their struct, and a step of theirs waits for the one before. Sums over the batch are divided by
 * their chunks (`Crew.together`).
 */

import { type StructName, structs } from '../core/abi.ts';
import {
  f32Conv2dScratchBytes,
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  f32InputGradientScratchBytes,
  f32StridedWinogradInputGradientScratchBytes,
  f32StridedWinogradScratchBytes,
  f32WinogradScratchBytes,
} from '../core/f32Layout.ts';
import {
  conv2dScratchBytes,
  dwconv2dScratchBytes,
  paddedDepth,
  winogradScratchBytes,
} from '../core/int8Layout.ts';
import { elementDivisions } from './divideElements.ts';
import { weightDivisions } from './divideWeights.ts';
import { type Args, type Fields, type Rule, type Rules, shifted } from './division.ts';

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
/** 25 products for 4 outputs, and the time of the transforms. */
const PRODUCTS_OF_STRIDED_TILE = 7;
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

export const divisions: Rules = {
  ...weightDivisions,
  ...elementDivisions,
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
  f32_strided_winograd2d: images({
    struct: 'ConvParams',
    inputs: { 2: 4 },
    outputs: { 5: 4 },
    cost: ({ inChannels }) => PRODUCTS_OF_STRIDED_TILE * inChannels!,
    scratch: [6, ({ inChannels }) => f32StridedWinogradScratchBytes(inChannels!)],
  }),
  f32_strided_winograd2d_input_gradient: images({
    struct: 'ConvParams',
    inputs: { 4: 4 },
    outputs: { 2: 4 },
    cost: ({ inChannels }) => PRODUCTS_OF_STRIDED_TILE * inChannels!,
    scratch: [5, ({ outChannels }) => f32StridedWinogradInputGradientScratchBytes(outChannels!)],
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
};

/** The fields of a params struct in memory. */
export function readFields(view: DataView, struct: StructName, ptr: number): Fields {
  const entries = Object.entries(structs[struct]).map(([name, type], i) => {
    const at = ptr + 4 * i;
    return [name, type === 'f32' ? view.getFloat32(at, true) : view.getInt32(at, true)] as const;
  });
  return Object.fromEntries(entries);
}
