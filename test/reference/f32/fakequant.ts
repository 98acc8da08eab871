import type { QuantizeParams } from './params.ts';

const f = Math.fround;

/** Ties to even, written from the definition. */
export function rte(v: number): number {
  const low = Math.floor(v);
  const rest = v - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** What one element contributes to the gradient of a scale, and what passes through to x. */
export interface Gradient {
  readonly dx: number;
  readonly dscale: number;
  /** What falls off at either end. */
  readonly below: number;
  readonly above: number;
  /** |g|·(|v| + |q|), to which errors are relative. v counts where it is used: inside. */
  readonly size: number;
}

/** Straight-through estimator with learned scale and zero point; v is the kernel's own f32. */
export function fakequantGradient(p: QuantizeParams, x: number, dy: number): Gradient {
  const v = f(x * p.inverseScale);
  const u = rte(v) + p.zeroPoint;
  const size = (q: number, w: number) => Math.abs(dy) * (Math.abs(w) + Math.abs(q));
  if (u >= p.qmin && u <= p.qmax)
    return { dx: dy, dscale: dy * (rte(v) - v), below: 0, above: 0, size: size(rte(v), v) };
  const q = (u < p.qmin ? p.qmin : p.qmax) - p.zeroPoint;
  const [below, above] = u < p.qmin ? [dy, 0] : [0, dy];
  return { dx: 0, dscale: dy * q, below, above, size: size(q, 0) };
}

/** Learned step size of a symmetric weight; v is the kernel's own f32. */
export function lsqGradient(
  qmin: number,
  qmax: number,
  scale: number,
  w: number,
  dwq: number,
): Gradient {
  const v = f(w * f(1 / scale));
  const size = (q: number, u: number) => Math.abs(dwq) * (Math.abs(u) + Math.abs(q));
  if (v > qmin && v < qmax)
    return { dx: dwq, dscale: dwq * (rte(v) - v), below: 0, above: 0, size: size(rte(v), v) };
  const q = v <= qmin ? qmin : qmax;
  const [below, above] = v <= qmin ? [dwq, 0] : [0, dwq];
  return { dx: 0, dscale: dwq * q, below, above, size: size(q, 0) };
}

/** q and f32((q − z)·scale) of one value. */
export function fakequantize(p: QuantizeParams, x: number): { q: number; value: number } {
  const u = rte(f(x * p.inverseScale)) + p.zeroPoint;
  const q = Math.min(Math.max(u, p.qmin), p.qmax);
  return { q, value: f((q - p.zeroPoint) * p.scale) };
}

/** The floats next to what rte puts into [qmin, qmax], on either side. */
export function roundedLimits(qmin: number, qmax: number): { lo: number; hi: number } {
  return { lo: -firstAbove(-qmin), hi: firstAbove(qmax) };
}

/** The least f32 that is rounded to more than an integer ≥ 0: half-way where that is a tie to the even one above. */
function firstAbove(q: number): number {
  const half = q + 0.5;
  if (rte(half) > q) return half;
  const word = new DataView(new ArrayBuffer(4));
  word.setFloat32(0, half);
  word.setUint32(0, word.getUint32(0) + 1);
  return word.getFloat32(0);
}
