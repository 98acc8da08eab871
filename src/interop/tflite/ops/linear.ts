/** Ops with weights: convolutions and fully connected layers. */

import type { Attrs } from '../../../core/op.ts';
import { sampleSize } from '../../../core/shape.ts';
import type { ValueId } from '../../../graph/graph.ts';
import type { Pair } from '../../../ops/geometry.ts';
import type { OpContext } from '../context.ts';
import { refuse } from '../refusal.ts';
import { productFactor } from './factors.ts';
import {
  fromDepthwise,
  imageWeights,
  readWeights,
  toDepthwise,
  type Weights,
  weightQParams,
} from './weights.ts';
import { paddingOf, windowOf } from './window.ts';

type LinearOp = 'conv2d' | 'depthwiseConv2d' | 'dense' | 'transposedConv2d';

/** A linear node, with the fused activation. */
function emitLinear(
  cx: OpContext,
  op: LinearOp,
  x: ValueId,
  weights: Weights,
  attrs: Attrs,
): ValueId {
  if (!cx.integer) return cx.activated(emitFloat(cx, op, x, weights, attrs));
  const { scale, zeroPoint, axis, name, data, shape, bias } = weights;
  const form = cx.form();
  const channels = shape[axis]!;
  const [from, to] = [cx.qparams(x).scale[0]!, form.qparams!.scale[0]!];
  const multiplier = Float32Array.from({ length: channels }, (_, c) =>
    productFactor(from, scale[scale.length === 1 ? 0 : c]!, to),
  );
  const qparams = weightQParams(cx, weights);
  const perTensor = scale.length === 1;
  const stored = perTensor ? { ...qparams, zeroPoint } : { ...qparams, axis };
  const w = cx.writer.parameter(name, data, shape, { qparams: stored });
  const constants = [
    cx.factors('multiplier', multiplier),
    cx.factors('addend', new Float32Array(channels)),
  ];
  if (bias) constants.push(cx.writer.parameter(`${cx.name}/bias`, bias));
  return cx.emit(op, [x, w], attrs, { form, constants });
}

function emitFloat(cx: OpContext, op: LinearOp, x: ValueId, weights: Weights, attrs: Attrs) {
  const { data, shape, bias } = weights;
  const options = { trainable: true, decay: true };
  const inputs = [x, cx.writer.parameter(`${cx.name}/kernel`, data, shape, options)];
  if (bias) {
    const name = `${cx.name}/bias`;
    inputs.push(cx.writer.parameter(name, bias, [bias.length], { trainable: true }));
  }
  return cx.emit(op, inputs, attrs);
}

export function conv2d(cx: OpContext): void {
  const x = cx.x();
  const weights = readWeights(cx, 1, 0);
  const [outChannels, height, width, inChannels] = imageWeights(weights);
  const shape = cx.shape(x);
  const attrs = windowOf(cx, shape, [height, width]) as unknown as Attrs;
  const channels = shape[3]!;
  if (channels === inChannels) {
    cx.bind(emitLinear(cx, 'conv2d', x, weights, attrs));
    return;
  }
  const groups = channels / inChannels;
  if (!Number.isInteger(groups) || outChannels % groups !== 0) {
    const expected = `the weights' ${inChannels} input channels to divide those of the input`;
    throw refuse(expected, channels);
  }
  cx.bind(
    inChannels === 1
      ? emitDepthwise(cx, x, toDepthwise(weights), attrs)
      : grouped(cx, x, weights, groups, attrs),
  );
}

/** Convolutions side by side, each of its own channels. */
function grouped(
  cx: OpContext,
  x: ValueId,
  weights: Weights,
  groups: number,
  attrs: Attrs,
): ValueId {
  const { shape, data, scale, bias } = weights;
  const [, height, width, channels] = cx.shape(x) as [number, number, number, number];
  const [inside, outside] = [channels / groups, shape[0]! / groups];
  const parts = Array.from({ length: groups }, (_, g) => {
    const attrsOfSlice = {
      begin: [0, 0, g * inside],
      size: [height, width, inside],
      strides: [1, 1, 1],
    };
    const part = cx.keep('slice', x, attrsOfSlice, `${cx.name}/group_${g}`);
    const of = <T extends { slice(from: number, to: number): T; length: number }>(list: T) =>
      list.slice((g * list.length) / groups, ((g + 1) * list.length) / groups);
    return emitLinear(
      cx,
      'conv2d',
      part,
      {
        ...weights,
        name: `${weights.name}/group_${g}`,
        shape: [outside, ...shape.slice(1)],
        data: of(data as Int8Array<ArrayBuffer>),
        scale: scale.length > 1 ? scale.slice(g * outside, (g + 1) * outside) : scale,
        ...(bias && { bias: of(bias as Int32Array<ArrayBuffer>) }),
      },
      attrs,
    );
  });
  return cx.emit('concat', parts, { axis: 3 });
}

export function depthwiseConv2d(cx: OpContext): void {
  const x = cx.x();
  const weights = readWeights(cx, 1, 3);
  const [one, height, width, channels] = imageWeights(weights);
  if (one !== 1) throw refuse('weights [1,Kh,Kw,C]', `[${weights.shape}]`);
  const attrs = windowOf(cx, cx.shape(x), [height, width]) as unknown as Attrs;
  const flat = { ...weights, shape: [height, width, channels], axis: 2 };
  cx.bind(emitDepthwise(cx, x, flat, attrs));
}

/** Output channel c reads input channel floor(c / m): a channel for each of m outputs, unless m is 1. */
function emitDepthwise(cx: OpContext, x: ValueId, weights: Weights, attrs: Attrs): ValueId {
  const from = cx.shape(x)[3]!;
  const to = weights.shape[2]!;
  const multiple = to / from;
  if (!Number.isInteger(multiple)) throw refuse(`a multiple of ${from} output channels`, to);
  if (multiple === 1) return emitLinear(cx, 'depthwiseConv2d', x, weights, attrs);
  // One channel that all outputs read is a convolution.
  if (from === 1) return emitLinear(cx, 'conv2d', x, fromDepthwise(weights), attrs);
  const indices = Int32Array.from({ length: to }, (_, c) => Math.floor(c / multiple));
  const repeat = cx.writer.parameter(`${cx.name}/channels`, indices);
  const { dtype, qparams } = cx.writer.value(x);
  const repeated = cx.emit(
    'gather',
    [x, repeat],
    { axis: 3 },
    {
      form: { dtype, ...(qparams && { qparams }) },
      name: `${cx.name}/repeated`,
    },
  );
  return emitLinear(cx, 'depthwiseConv2d', repeated, weights, attrs);
}

export function fullyConnected(cx: OpContext): void {
  if (cx.number('weightsFormat') !== 0)
    throw refuse('weights in the plain format', 'shuffled ones');
  const weights = readWeights(cx, 1, 0);
  const [units, depth] = weights.shape as readonly [number, number];
  if (weights.shape.length !== 2) throw refuse('weights [U,K]', `[${weights.shape}]`);
  const x = cx.x();
  const shape = cx.shape(x);
  const rows = (-shape[0]! * sampleSize(shape)) / depth;
  if (!Number.isInteger(rows))
    throw refuse(`an input of a multiple of ${depth} values`, `[${shape}]`);
  const y = emitLinear(cx, 'dense', cx.reshape(x, [-rows, depth]), weights, {});
  const out = cx.outShape();
  if (sampleSize(out) * -out[0]! !== rows * units) {
    throw refuse(`an output of ${rows * units} values`, `[${out}]`);
  }
  cx.bind(cx.reshape(y, out));
}

export function transposedConv2d(cx: OpContext): void {
  const x = cx.x(2);
  const weights = readWeights(cx, 1, 0, 3);
  const [, height, width] = imageWeights(weights);
  const strides: Pair = [cx.number('strideHeight'), cx.number('strideWidth')];
  const [, inHeight, inWidth] = cx.shape(x);
  const [, outHeight, outWidth] = cx.output().shape;
  const same = paddingOf(cx) === 'same';
  const crops = [
    cropOf(inHeight!, outHeight!, height, strides[0], same),
    cropOf(inWidth!, outWidth!, width, strides[1], same),
  ] as const;
  const padding = crops.map(({ before, after }) => [before, after]);
  const outputPadding = crops.map(({ added }) => added);
  cx.bind(emitLinear(cx, 'transposedConv2d', x, weights, { strides, padding, outputPadding }));
}

/** What is cut off the full output, or added at its end, to have the extent that the file states. */
function cropOf(from: number, to: number, kernel: number, stride: number, same: boolean) {
  const total = (from - 1) * stride + kernel - to;
  const before = same && total > 0 ? total >> 1 : 0;
  return { before, after: Math.max(0, total - before), added: Math.max(0, -total) };
}
