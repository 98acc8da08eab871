/** Types and quantization of tensors, as Octavo has them: uint8 becomes i8 by subtracting 128 from q and zero point. */

import { ACTIVATION_RANGE, type QParams } from '../../core/qparams.ts';
import type { TfliteTensor } from './model.ts';
import { refuse } from './refusal.ts';
import type { Form } from './writer.ts';

/** What an activation becomes. Throws a Refusal for what has no form. */
export function formOf(tensor: TfliteTensor): Form {
  const { type, name } = tensor;
  if (type === 'float32') return { dtype: 'f32' };
  if (type === 'int8' || type === 'uint8') return { dtype: 'i8', qparams: qparamsOf(tensor) };
  if (type === 'int32' || type === 'int64') return { dtype: 'i32' };
  throw refuse(`"${name}" to be float32, int8 or uint8`, type);
}

/** One scale and zero point in i8. */
export function qparamsOf({ type, name, quantization }: TfliteTensor): QParams {
  if (!quantization || quantization.custom) {
    throw refuse(`"${name}" to have a scale and a zero point`, quantization ? 'others' : 'none');
  }
  const { scale, zeroPoint } = quantization;
  if (scale.length !== 1) throw refuse(`"${name}" to have one scale`, scale.length);
  const shift = type === 'uint8' ? 128 : 0;
  const q = { scale: [scale[0]!], zeroPoint: (zeroPoint[0] ?? 0) - shift, ...ACTIVATION_RANGE };
  if (!(scale[0]! > 0 && Number.isFinite(scale[0]))) {
    throw refuse(`the scale of "${name}" to be above 0`, scale[0]);
  }
  if (q.zeroPoint >= q.qmin && q.zeroPoint <= q.qmax) return q;
  const range = `[${q.qmin + shift}, ${q.qmax + shift}]`;
  throw refuse(`the zero point of "${name}" to be in ${range}`, zeroPoint[0]);
}

/** The same integers as `uint8`: what a model that takes or gives bytes has at its edges. */
export function unsignedForm({ scale, zeroPoint, qmin, qmax }: QParams): Form {
  const qparams = { scale, zeroPoint: zeroPoint + 128, qmin: qmin + 128, qmax: qmax + 128 };
  return { dtype: 'u8', qparams };
}

/** Numbers of activation functions in files. */
export const ACTIVATION = {
  none: 0,
  relu: 1,
  reluN1To1: 2,
  relu6: 3,
  tanh: 4,
  signBit: 5,
} as const;

/** Reals that an activation function clamps to; undefined for one that is no clamp. */
export function clampOf(
  activation: number,
): { readonly lo: number; readonly hi: number } | undefined {
  if (activation === ACTIVATION.none) return { lo: -Infinity, hi: Infinity };
  if (activation === ACTIVATION.relu) return { lo: 0, hi: Infinity };
  if (activation === ACTIVATION.relu6) return { lo: 0, hi: 6 };
  return activation === ACTIVATION.reluN1To1 ? { lo: -1, hi: 1 } : undefined;
}

/** qparams with the bounds of a clamp, each rounded as TFLite rounds them: halves away from zero. */
export function withBounds(q: QParams, { lo, hi }: { lo: number; hi: number }): QParams {
  const at = (real: number) => {
    const steps = Math.fround(real / q.scale[0]!);
    const rounded = q.zeroPoint + Math.sign(steps) * Math.round(Math.abs(steps));
    return Math.min(q.qmax, Math.max(q.qmin, rounded)) + 0;
  };
  const qmin = lo === -Infinity ? q.qmin : at(lo);
  return { ...q, qmin, qmax: hi === Infinity ? q.qmax : at(hi) };
}

export function sameScale(a: QParams, b: QParams): boolean {
  return a.scale[0] === b.scale[0] && a.zeroPoint === b.zeroPoint;
}
