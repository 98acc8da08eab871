/** Tables of 256 bytes: what a function of one real is among integers. */

import type { QParams } from '../../core/qparams.ts';
import { quantize, roundToRange } from '../../core/rounding.ts';

/** Entry i is for the byte i: integers −128 … −1 stand behind 0 … 127. */
function tableOf(entry: (q: number) => number): Int8Array<ArrayBuffer> {
  return Int8Array.from({ length: 256 }, (_, byte) => entry((byte << 24) >> 24));
}

/** q with the quantization of `to` for the real of each integer of `from`: rte(f32((q − z)·f32(s / s'))) + z'. */
export function requantizeTable(from: QParams, to: QParams): Int8Array<ArrayBuffer> {
  const multiplier = Math.fround(from.scale[0]! / to.scale[0]!);
  return tableOf((q) => {
    const u = Math.fround((q - from.zeroPoint) * multiplier);
    return roundToRange(u, to.zeroPoint, to.qmin, to.qmax);
  });
}

/** The quantized value of `real` for the real of each integer. */
export function functionTable(
  from: QParams,
  to: QParams,
  real: (x: number) => number,
): Int8Array<ArrayBuffer> {
  const inverse = Math.fround(1 / to.scale[0]!);
  return tableOf((q) => {
    const y = real((q - from.zeroPoint) * from.scale[0]!);
    return quantize(Math.fround(y), inverse, to.zeroPoint, to.qmin, to.qmax);
  });
}

/** Integers of one signedness from those of the other. */
export function flipTable(): {
  toSigned: Int8Array<ArrayBuffer>;
  toUnsigned: Uint8Array<ArrayBuffer>;
} {
  return {
    toSigned: Int8Array.from({ length: 256 }, (_, byte) => byte - 128),
    toUnsigned: Uint8Array.from({ length: 256 }, (_, byte) => byte ^ 128),
  };
}
