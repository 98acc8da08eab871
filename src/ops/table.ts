import type { OpDef } from '../core/op.ts';
import { add } from './add.ts';
import { averagePool2d } from './averagePool2d.ts';
import { batchNormalization } from './batchNormalization.ts';
import { concat } from './concat.ts';
import { conv2d } from './conv2d.ts';
import { dense } from './dense.ts';
import { depthToSpace, spaceToDepth } from './depthToSpace.ts';
import { depthwiseConv2d } from './depthwiseConv2d.ts';
import { flatten } from './flatten.ts';
import { gather } from './gather.ts';
import { globalAveragePool2d } from './globalAveragePool2d.ts';
import { maxPool2d } from './maxPool2d.ts';
import { pad } from './pad.ts';
import { relu, relu6 } from './relu.ts';
import { reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { batchToSpace, spaceToBatch } from './spaceToBatch.ts';
import { transpose } from './transpose.ts';
import { transposedConv2d } from './transposedConv2d.ts';

/** Every op. A new one makes the compiler list each rule table that still lacks it. */
export const ops = {
  add,
  averagePool2d,
  batchNormalization,
  batchToSpace,
  concat,
  conv2d,
  dense,
  depthToSpace,
  depthwiseConv2d,
  flatten,
  gather,
  globalAveragePool2d,
  maxPool2d,
  pad,
  relu,
  relu6,
  reshape,
  resize,
  slice,
  spaceToBatch,
  spaceToDepth,
  transpose,
  transposedConv2d,
} as const satisfies Record<string, OpDef<never>>;

export type OpName = keyof typeof ops;
