import type { QParams } from '../core/qparams.ts';
import { roundToRange } from '../core/rounding.ts';
import type { QuantizerSpec } from './graph.ts';

/** An activation quantizer as integers see it: the learned zero point is clamped to the grid and rounded. */
export function activationQParams(
  spec: QuantizerSpec,
): QParams & { readonly scale: readonly [number] } {
  const { qmin, qmax, fixedZeroPoint, scale, zeroPoint } = spec;
  const z = fixedZeroPoint ?? roundToRange(zeroPoint?.data[0] ?? 0, 0, qmin, qmax);
  return { scale: [Math.fround(scale.data[0]!)], zeroPoint: z, qmin, qmax };
}
