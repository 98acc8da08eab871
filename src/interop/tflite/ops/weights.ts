/** Weights and bias as a file has them: read, checked, and brought into the layouts of the graph. */

import type { QParams } from '../../../core/qparams.ts';
import { type Shape, sizeOf } from '../../../core/shape.ts';
import { bytesOf, elementsOf, realsOf } from '../constants.ts';
import type { OpContext } from '../context.ts';
import type { TfliteTensor } from '../model.ts';
import { refuse } from '../refusal.ts';
import { nameOf } from '../writer.ts';

/** Weights and bias of an op, in the layout of the graph. */
export interface Weights {
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

/** Reads inputs `at` (weights, with output channels along `axis`) and `at + 1` (bias, where there is one). */
export function readWeights(cx: OpContext, at: number, axis: number, biasAt = at + 1): Weights {
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
  if (!cx.integer) return { ...shared, data: realsOf(tensor, axis), scale: [], zeroPoint: 0 };
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
  if (!cx.integer) return realsOf(tensor, 0);
  if (type !== 'int32') throw refuse('a bias of int32', type);
  const { scale = [], zeroPoint = [], axis = 0 } = quantization ?? {};
  if (zeroPoint.some((z) => z !== 0)) throw refuse('a bias with zero point 0', zeroPoint[0]);
  if (scale.length > 1 && axis >= shape.length) {
    const message = `bias "${name}" of ${shape.length} axis has quantized_dimension ${axis}: taken as 0`;
    cx.warn('bias axis', message);
  }
  return Int32Array.from(elementsOf(tensor));
}

/** Scales of channels whose weights are all 0 may be anything in a file; a graph wants them above 0. */
export function weightQParams(cx: OpContext, { scale, data, shape, axis, name }: Weights): QParams {
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

export function imageWeights({ shape }: Weights): readonly [number, number, number, number] {
  if (shape.length === 4) return shape as unknown as readonly [number, number, number, number];
  throw refuse('weights of 4 axes', `[${shape}]`);
}

/** [C,Kh,Kw,1] as [Kh,Kw,C]. */
export function toDepthwise(weights: Weights): Weights {
  const [channels, height, width] = imageWeights(weights);
  const taps = height * width;
  const moved = weights.data.slice();
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) moved[tap * channels + c] = weights.data[c * taps + tap]!;
  }
  return { ...weights, data: moved, shape: [height, width, channels], axis: 2 };
}

/** [Kh,Kw,C] as [C,Kh,Kw,1]. */
export function fromDepthwise(weights: Weights): Weights {
  const [height, width, channels] = weights.shape as readonly [number, number, number];
  const taps = height * width;
  const moved = weights.data.slice();
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) moved[c * taps + tap] = weights.data[tap * channels + c]!;
  }
  return { ...weights, data: moved, shape: [channels, height, width, 1], axis: 0 };
}
