import { add, addForm, addInt } from '../../ops/add.ts';
import { averagePool2d, averagePool2dForm, averagePool2dInt } from '../../ops/averagePool2d.ts';
import { conv2d, conv2dForm, conv2dInt } from '../../ops/conv2d.ts';
import { dense, denseForm, denseInt } from '../../ops/dense.ts';
import {
  depthwiseConv2d,
  depthwiseConv2dForm,
  depthwiseConv2dInt,
} from '../../ops/depthwiseConv2d.ts';
import { flatten, flattenForm, flattenInt } from '../../ops/flatten.ts';
import {
  globalAveragePool2d,
  globalAveragePool2dForm,
  globalAveragePool2dInt,
} from '../../ops/globalAveragePool2d.ts';
import { lookup, lookupForm, lookupInt } from '../../ops/lookup.ts';
import { maxPool2d, maxPool2dForm, maxPool2dInt } from '../../ops/maxPool2d.ts';
import {
  dequantize,
  dequantizeForm,
  dequantizeInt,
  quantize,
  quantizeForm,
  quantizeInt,
} from '../../ops/quantize.ts';
import { clampForm, clampInt, relu, relu6 } from '../../ops/relu.ts';
import { reshape, reshapeForm, reshapeInt } from '../../ops/reshape.ts';
import { softmax, softmaxForm, softmaxInt } from '../../ops/softmax.ts';
import type { Table } from './ops.ts';

/** What the integer graphs of most networks are made of: in every runtime. */
export const commonOps = {
  add: { definition: add, form: addForm, rule: addInt },
  averagePool2d: { definition: averagePool2d, form: averagePool2dForm, rule: averagePool2dInt },
  conv2d: { definition: conv2d, form: conv2dForm, rule: conv2dInt },
  dense: { definition: dense, form: denseForm, rule: denseInt },
  depthwiseConv2d: {
    definition: depthwiseConv2d,
    form: depthwiseConv2dForm,
    rule: depthwiseConv2dInt,
  },
  dequantize: { definition: dequantize, form: dequantizeForm, rule: dequantizeInt },
  flatten: { definition: flatten, form: flattenForm, rule: flattenInt },
  globalAveragePool2d: {
    definition: globalAveragePool2d,
    form: globalAveragePool2dForm,
    rule: globalAveragePool2dInt,
  },
  lookup: { definition: lookup, form: lookupForm, rule: lookupInt },
  maxPool2d: { definition: maxPool2d, form: maxPool2dForm, rule: maxPool2dInt },
  quantize: { definition: quantize, form: quantizeForm, rule: quantizeInt },
  relu: { definition: relu, form: clampForm, rule: clampInt },
  relu6: { definition: relu6, form: clampForm, rule: clampInt },
  reshape: { definition: reshape, form: reshapeForm, rule: reshapeInt },
  softmax: { definition: softmax, form: softmaxForm, rule: softmaxInt },
} as const satisfies Table;

export type CommonOpName = keyof typeof commonOps;
