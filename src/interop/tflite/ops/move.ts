/** Ops that move elements and compute nothing. */

import { showShape, sizeOf } from '../../../core/shape.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { integersOf, realsOf } from '../constants.ts';
import type { OpContext } from '../context.ts';
import { refuse } from '../refusal.ts';
import { slopesTable } from './factors.ts';

/** RESHAPE, SQUEEZE, EXPAND_DIMS: the file states the shape of the output. */
export function reshape(cx: OpContext): void {
  const x = cx.x();
  const shape = cx.outShape();
  if (sizeOf(shape) !== sizeOf(cx.shape(x))) {
    throw refuse(`an output of the size of ${showShape(cx.shape(x))}`, showShape(shape));
  }
  cx.bind(cx.reshape(x, shape));
}

export function transpose(cx: OpContext): void {
  const x = cx.x();
  const rank = cx.shape(x).length;
  const perm = cx.integers(1).map((axis) => (axis < 0 ? axis + rank : axis));
  if (
    perm.length !== rank ||
    String([...perm].sort((a, b) => a - b)) !== String([...perm.keys()])
  ) {
    throw refuse(`a permutation of ${rank} axes`, perm);
  }
  if (perm[0] === 0) {
    cx.bind(cx.keep('transpose', x, { perm }));
    return;
  }
  throw refuse('axis 0, the batch, to stay first', perm);
}

/** Operands are brought to the output's quantization; their integers are then put side by side. */
export function concatenate(cx: OpContext): void {
  const rank = cx.output().shape.length;
  const axis = cx.axis(cx.number('axis'), rank);
  cx.bind(
    concat(
      cx,
      cx.operator.inputs.map((_, i) => cx.x(i)),
      axis,
    ),
  );
}

function concat(cx: OpContext, parts: readonly ValueId[], axis: number): ValueId {
  const { qparams } = cx.form();
  if (parts.every((id) => cx.writer.isParameter(id)))
    throw refuse('a computed operand', 'constants');
  const same = qparams ? parts.map((id) => cx.requantized(id, qparams)) : parts;
  const [only] = same;
  const y = same.length === 1 ? only! : cx.emit('concat', same, { axis });
  return qparams ? y : cx.activated(y);
}

/** PACK: each operand gets an axis of extent 1 along which they are put side by side. */
export function pack(cx: OpContext): void {
  const rank = cx.output().shape.length;
  const axis = cx.axis(cx.number('axis'), rank);
  const parts = cx.operator.inputs.map((_, i) => {
    const x = cx.x(i);
    const shape = cx.shape(x);
    return cx.reshape(x, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  });
  cx.bind(concat(cx, parts, axis));
}

/** PAD, PADV2 with a constant value, MIRROR_PAD. */
export function pad(cx: OpContext): void {
  const x = cx.x();
  const rank = cx.shape(x).length;
  const flat = cx.integers(1);
  if (flat.length !== 2 * rank) throw refuse(`padding before and after ${rank} axes`, flat);
  const padding = Array.from({ length: rank }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
  if (padding[0]!.some((count) => count !== 0)) throw refuse('no padding of the batch', padding[0]);
  if (flat.some((count) => count < 0)) throw refuse('padding of at least 0', flat);
  const mirror = cx.operator.name === 'MIRROR_PAD';
  const mode = mirror ? (cx.number('mode') === 0 ? 'reflect' : 'symmetric') : 'constant';
  const value = cx.operator.name === 'PADV2' && cx.has(2) ? padValue(cx) : 0;
  if (flat.every((count) => count === 0)) cx.bind(x);
  else cx.bind(cx.keep('pad', x, { padding: padding.slice(1), mode, value }));
}

/** The real that is padded with. */
function padValue(cx: OpContext): number {
  const tensor = cx.tensor(2);
  if (!tensor.data || sizeOf(tensor.shape) !== 1) throw refuse('one constant value', tensor.shape);
  return realsOf(tensor)[0]!;
}

export function resize(method: 'nearest' | 'bilinear'): (cx: OpContext) => void {
  return (cx) => {
    const x = cx.x();
    const size = cx.output().shape.slice(1, 3);
    const [alignCorners, halfPixelCenters] = ['alignCorners', 'halfPixelCenters'].map(
      (option) => cx.number(option) !== 0,
    ) as [boolean, boolean];
    cx.bind(cx.keep('resize', x, { size, method, alignCorners, halfPixelCenters }));
  };
}

export function gather(cx: OpContext): void {
  const x = cx.x();
  const shape = cx.shape(x);
  const axis = cx.axis(cx.number('axis'), shape.length);
  if (cx.number('batchDims') !== 0) throw refuse('batch_dims 0', cx.number('batchDims'));
  const tensor = cx.tensor(1);
  const indices = integersOf(tensor);
  const wrong = indices.find((index) => index < 0 || index >= shape[axis]!);
  if (wrong !== undefined) throw refuse(`indices below ${shape[axis]}`, wrong);
  const constant = cx.shared(tensor, 'indices', (name) =>
    cx.writer.parameter(name, Int32Array.from(indices)),
  );
  const { dtype, qparams } = cx.writer.value(x);
  const form = { dtype, ...(qparams && { qparams }) };
  const y = cx.emit('gather', [x, constant], { axis }, { form });
  cx.bind(cx.reshape(y, cx.outShape()));
}

export function blocks(op: 'depthToSpace' | 'spaceToDepth'): (cx: OpContext) => void {
  return (cx) => {
    const blockSize = cx.number('blockSize');
    if (blockSize < 1) throw refuse('a block size of at least 1', blockSize);
    cx.bind(cx.keep(op, cx.x(), { blockSize }));
  };
}

/** SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND over the two axes of an image. */
export function batchBlocks(op: 'spaceToBatch' | 'batchToSpace'): (cx: OpContext) => void {
  return (cx) => {
    const x = cx.x();
    const blockShape = cx.integers(1);
    const flat = cx.integers(2);
    if (cx.shape(x).length !== 4 || blockShape.length !== 2 || flat.length !== 4) {
      throw refuse('an image [N,H,W,C] with blocks over H and W', `[${cx.tensor(0).shape}]`);
    }
    const sides = [flat.slice(0, 2), flat.slice(2)];
    const what = op === 'spaceToBatch' ? { padding: sides } : { crops: sides };
    cx.bind(cx.keep(op, x, { blockShape, ...what }));
  };
}

export function argMax(cx: OpContext): void {
  const x = cx.any(0);
  const axis = cx.axis(cx.integers(1)[0] ?? 0, cx.shape(x).length);
  cx.bind(cx.emit('argMax', [x], { axis }, { form: { dtype: 'i32' } }));
}

/** QUANTIZE: floats at the edge, or integers of another quantization. */
export function quantize(cx: OpContext): void {
  const x = cx.any(0);
  const { dtype } = cx.writer.value(x);
  const { qparams } = cx.form();
  if (!qparams) throw refuse('an output of int8 or uint8', cx.output().type);
  if (dtype === 'f32') cx.bind(cx.emit('quantize', [x]));
  else cx.bind(cx.requantized(x, qparams, slopesTable(cx.qparams(x), qparams)));
}

export function dequantize(cx: OpContext): void {
  const x = cx.any(0);
  if (cx.writer.value(x).dtype === 'f32') cx.bind(x);
  else cx.bind(cx.emit('dequantize', [x]));
}
