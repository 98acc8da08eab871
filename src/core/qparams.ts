import { rangeError } from './errors.ts';

/**
 * real = scale · (q − zeroPoint), q in [qmin, qmax].      quantization.md eq. (1)
 *
 * `scale` has one entry per tensor, or one per channel along `axis` (the kept axis), and every entry is a finite f32
 * above 0. Per-channel means symmetric: zeroPoint 0.
 */
export interface QParams {
  readonly scale: readonly number[];
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
  readonly axis?: number;
}

/** int8 activations: per tensor, asymmetric. */
export const ACTIVATION_RANGE = { qmin: -128, qmax: 127 } as const;

/** Activations of `bits` 2 to 8. */
export function activationRange(bits: number): { qmin: number; qmax: number } {
  return { qmin: -(2 ** (bits - 1)), qmax: 2 ** (bits - 1) - 1 };
}

/** Symmetric weights: narrow at 8 bits, the full two's-complement range at fewer. */
export function weightRange(
  bits: number,
  narrowRange = bits === 8,
): { qmin: number; qmax: number } {
  const qmax = 2 ** (bits - 1) - 1;
  return { qmin: narrowRange ? -qmax : -qmax - 1, qmax };
}

/**
 * Throws a RangeError unless the parameters keep the contract of eq. (1). qmin = qmax is what a clamp leaves of a tensor
 * that it makes constant.
 */
export function checkQParams(where: string, { scale, zeroPoint, qmin, qmax }: QParams): void {
  if (!(Number.isInteger(qmin) && Number.isInteger(qmax) && qmin <= qmax)) {
    throw rangeError(where, 'qmin and qmax must be integers with qmin <= qmax', [qmin, qmax]);
  }
  if (!(Number.isInteger(zeroPoint) && zeroPoint >= qmin && zeroPoint <= qmax)) {
    throw rangeError(where, `zeroPoint must be an integer in [${qmin}, ${qmax}]`, zeroPoint);
  }
  // No iterator: a network has thousands of channels, and loading it runs this a first time.
  for (let i = 0; i < scale.length; i++) {
    const s = scale[i]!;
    if (s > 0 && s < Infinity && Math.fround(s) === s) continue;
    throw rangeError(where, 'scale must be a finite f32 above 0', s);
  }
}
