/** Ops with weights: convolutions and fully connected layers. */

import type { Attrs } from '../../../core/op.ts';
import type { QParams } from '../../../core/qparams.ts';
import { type Shape, sampleSize, sizeOf } from '../../../core/shape.ts';
import type { ValueId } from '../../../graph/graph.ts';
import type { Pair } from '../../../ops/geometry.ts';
import { bytesOf, elementsOf, realsOf } from '../constants.ts';
import type { OpContext } from '../context.ts';
import type { TfliteTensor } from '../model.ts';
import { refuse } from '../refusal.ts';
import { nameOf } from '../writer.ts';
import { productFactor } from './factors.ts';
import { paddingOf, windowOf } from './window.ts';

/** Weights and bias of an op, in the layout of the graph. */
interface Weights {
  readonly name: string;
  readonly data: Int8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly shape: Shape;
  /** The axis of the output channels. */
  readonly axis: number;
  /** Integers only: one entry, or one for each channel. */
  readonly scale: readonly number[];
  readonly zeroPoint: number;
  readonly bias?: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

type LinearOp = 'conv2d' | 'depthwiseConv2d' | 'dense' | 'transposedConv2d';

/** Reads inputs `at` (weights, with output channels along `axis`) and `at + 1` (bias, where there is one). */
function readWeights(cx: OpContext, at: number, axis: number, biasAt = at + 1): Weights {
  const tensor = cx.tensor(at);
  if (!tensor.data) throw refuse('weights that are constant', 'a computed tensor');
  const shape = tensor.shape;
  const channels = shape[axis];
  if (channels === undefined || shape.some((extent) => extent < 1)) {
    throw refuse('weights that are not empty', `[${shape}]`);
  }
  const name = nameOf(tensor.name, `weights_${tensor.index}`);
  const bias = cx.has(biasAt) ? readBias(cx, cx.tensor(biasAt), channels) : undefined;
  const shared = { name, shape, axis, ...(bias && { bias }) };
  if (!cx.integer) return { ...shared, data: realsOf(tensor), scale: [], zeroPoint: 0 };
  const quantized = weightQuantization(cx, tensor, channels, axis);
  return { ...shared, data: bytesOf(tensor), ...quantized };
}

function weightQuantization(
  cx: OpContext,
  { name, type, quantization }: TfliteTensor,
  channels: number,
  axis: number,
): Pick<Weights, 'scale' | 'zeroPoint'> {
  if (!['int8', 'uint8', 'int4'].includes(type)) {
    throw refuse('weights of int8, uint8 or int4', type);
  }
  if (!quantization || quantization.custom) throw refuse('weights with scales', 'none');
  const { scale, zeroPoint, axis: stated } = quantization;
  const shift = type === 'uint8' ? 128 : 0;
  const [zero = 0] = zeroPoint;
  if (scale.length === 1) return { scale, zeroPoint: zero - shift };
  if (scale.length !== channels) throw refuse(`1 or ${channels} weight scales`, scale.length);
  if (shift !== 0 || zeroPoint.some((z) => z !== 0)) {
    throw refuse('int8 weights with zero points 0 where scales are per channel', type);
  }
  if (stated !== axis) {
    const message = `weights "${name}" have scales along axis ${stated}: taken along axis ${axis}`;
    cx.warn('weight axis', message);
  }
  return { scale, zeroPoint: 0 };
}

function readBias(cx: OpContext, tensor: TfliteTensor, channels: number) {
  const { name, shape, type, quantization } = tensor;
  if (!tensor.data) throw refuse('a bias that is constant', 'a computed tensor');
  if (sizeOf(shape) !== channels) throw refuse(`a bias of ${channels} entries`, `[${shape}]`);
  if (!cx.integer) return realsOf(tensor);
  if (type !== 'int32') throw refuse('a bias of int32', type);
  const { scale = [], zeroPoint = [], axis = 0 } = quantization ?? {};
  if (zeroPoint.some((z) => z !== 0)) throw refuse('a bias with zero point 0', zeroPoint[0]);
  if (scale.length > 1 && axis >= shape.length) {
    const message = `bias "${name}" of ${shape.length} axis has quantized_dimension ${axis}: taken as 0`;
    cx.warn('bias axis', message);
  }
  return Int32Array.from(elementsOf(tensor));
}

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

/** Scales of channels whose weights are all 0 may be anything in a file; a graph wants them above 0. */
function weightQParams(cx: OpContext, { scale, data, shape, axis, name }: Weights): QParams {
  const inner = sizeOf(shape.slice(axis + 1));
  const channelOf = (i: number) => (scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length);
  const usable = (s: number) => s > 0 && Number.isFinite(s);
  const bad = new Set([...scale.keys()].filter((c) => !usable(scale[c]!)));
  if (bad.size > 0) {
    const used = data.findIndex((w, i) => w !== 0 && bad.has(channelOf(i)));
    if (used >= 0) throw refuse('weight scales above 0', scale[channelOf(used)]);
    cx.warn('weight scale', `weights "${name}" are 0 in ${bad.size} channels and have no scale`);
  }
  const safe = scale.map((s) => (usable(s) ? s : 1));
  return { scale: safe, zeroPoint: 0, qmin: -128, qmax: 127 };
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

function imageWeights({ shape }: Weights): readonly [number, number, number, number] {
  if (shape.length === 4) return shape as unknown as readonly [number, number, number, number];
  throw refuse('weights of 4 axes', `[${shape}]`);
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

/** [C,Kh,Kw,1] as [Kh,Kw,C]. */
function toDepthwise(weights: Weights): Weights {
  const [channels, height, width] = imageWeights(weights);
  const taps = height * width;
  const moved = weights.data.slice();
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) moved[tap * channels + c] = weights.data[c * taps + tap]!;
  }
  return { ...weights, data: moved, shape: [height, width, channels], axis: 2 };
}

/** [Kh,Kw,C] as [C,Kh,Kw,1]. */
function fromDepthwise(weights: Weights): Weights {
  const [height, width, channels] = weights.shape as readonly [number, number, number];
  const taps = height * width;
  const moved = weights.data.slice();
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) moved[c * taps + tap] = weights.data[tap * channels + c]!;
  }
  return { ...weights, data: moved, shape: [channels, height, width, 1], axis: 0 };
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
