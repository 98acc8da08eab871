import type { StructFields } from '../../../src/core/abi.ts';
import { quantize, roundToRange } from '../../../src/core/rounding.ts';

const { fround } = Math;

export function vaddReference(a: Int8Array, b: Int8Array, p: StructFields<'AddParams'>): Int8Array {
  return a.map((q, i) => {
    const left = fround((q - p.aZeroPoint) * fround(p.aMultiplier));
    const right = fround((b[i]! - p.bZeroPoint) * fround(p.bMultiplier));
    return roundToRange(fround(left + right), p.outZeroPoint, p.qmin, p.qmax);
  });
}

export function quantizeReference(x: Float32Array, p: StructFields<'QuantizeParams'>): Int8Array {
  const inverseScale = fround(p.inverseScale);
  return Int8Array.from(x, (v) => quantize(v, inverseScale, p.zeroPoint, p.qmin, p.qmax));
}

export function dequantizeReference(x: Int8Array, p: StructFields<'QuantizeParams'>): Float32Array {
  return Float32Array.from(x, (q) => (q - p.zeroPoint) * fround(p.scale));
}

export function lutReference(channels: number, x: Uint8Array, table: Int8Array): Int8Array {
  return Int8Array.from(x, (value, i) => table[(i % channels) * 256 + value]!);
}
