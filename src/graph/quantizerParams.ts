import type { QParams } from '../core/qparams.ts';
import { roundToRange } from '../core/rounding.ts';
import type { QuantizerSpec } from './graph.ts';

/** An activation quantizer as integers see it. */
export function activationQParams(
  spec: QuantizerSpec,
): QParams & { readonly scale: readonly [number] } {
  const { qmin, qmax, scale, zeroPoint } = spec;
  const z = integerZeroPoint(spec, zeroPoint?.data[0] ?? 0);
  return { scale: [Math.fround(scale.data[0]!)], zeroPoint: z, qmin, qmax };
}

/** The zero point of a grid: the real-valued one clamped and rounded, unless the quantizer has a fixed one. */
export function integerZeroPoint(spec: QuantizerSpec, zeroPoint: number): number {
  const { fixedZeroPoint, qmin, qmax } = spec;
  return fixedZeroPoint ?? roundToRange(zeroPoint, 0, qmin, qmax);
}
