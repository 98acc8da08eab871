import type { StructFields } from '../../../src/core/abi.ts';
import { quantize, roundToRange } from '../../../src/core/rounding.ts';

const { fround } = Math;

type Binary = StructFields<'BinaryParams'>;

/** a − z_a and b − z_b of each element, to the u that `of` makes of them, to y. */
function binary(a: Int8Array, b: Int8Array, p: Binary, of: (l: number, r: number) => number) {
  return a.map((q, i) => {
    const u = fround(of(q - p.aZeroPoint, b[i]! - p.bZeroPoint));
    return roundToRange(u, p.outZeroPoint, p.qmin, p.qmax);
  });
}

export function vaddReference(a: Int8Array, b: Int8Array, p: Binary): Int8Array {
  const [ma, mb] = [fround(p.aMultiplier), fround(p.bMultiplier)];
  return binary(a, b, p, (l, r) => fround(l * ma) + fround(r * mb));
}

export function vmulReference(a: Int8Array, b: Int8Array, p: Binary): Int8Array {
  const multiplier = fround(p.aMultiplier);
  return binary(a, b, p, (l, r) => l * r * multiplier);
}

export function vminmaxReference(
  a: Int8Array,
  b: Int8Array,
  p: Binary,
  choose: (l: number, r: number) => number,
): Int8Array {
  const [ma, mb] = [fround(p.aMultiplier), fround(p.bMultiplier)];
  return binary(a, b, p, (l, r) => choose(fround(l * ma), fround(r * mb)));
}

/** `slopes` is alpha, repeated for each row. */
export function preluReference(x: Int8Array, slopes: Int8Array, p: Binary): Int8Array {
  const [above, below] = [fround(p.aMultiplier), fround(p.bMultiplier)];
  return binary(x, slopes, p, (d, slope) => (d >= 0 ? d * above : d * slope * below));
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
