/**
 * The rounding rule of `docs/quantization.md` in plain TypeScript, f32 at each step: the twin of
 * `assembly/lib/requantize.ts`, for interpreters, references and everything that is not a kernel.
 */

/** The nearest integer, ties to the even one. `Math.round` is not this: it takes ties upwards. */
export function roundTiesToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** u = f32(f32(f32(acc + bias) · multiplier) + addend); acc + bias wraps as i32. */
export function scaleAcc(acc: number, bias: number, multiplier: number, addend: number): number {
  return Math.fround(Math.fround(Math.fround((acc + bias) | 0) * multiplier) + addend);
}

/** q = clamp(rte(u) + zeroPoint, qmin, qmax); NaN counts as 0. */
export function roundToRange(u: number, zeroPoint: number, qmin: number, qmax: number): number {
  const rounded = Number.isNaN(u) ? 0 : roundTiesToEven(u);
  // `+ 0` turns -0 into 0.
  return Math.min(qmax, Math.max(qmin, rounded + zeroPoint)) + 0;
}

export function requantize(
  acc: number,
  bias: number,
  multiplier: number,
  addend: number,
  zeroPoint: number,
  qmin: number,
  qmax: number,
): number {
  return roundToRange(scaleAcc(acc, bias, multiplier, addend), zeroPoint, qmin, qmax);
}

/** q = clamp(rte(f32(x · inverseScale)) + zeroPoint, qmin, qmax); NaN becomes clamp(zeroPoint). */
export function quantize(
  x: number,
  inverseScale: number,
  zeroPoint: number,
  qmin: number,
  qmax: number,
): number {
  return roundToRange(Math.fround(x * inverseScale), zeroPoint, qmin, qmax);
}
