/**
 * Multipliers of imported ops. In a graph they are f32 like any others; here they are computed, to the last bit, as the
 * kernels do for which the file was made (XNNPACK in LiteRT). One unit at one place grows, in a deep network without
 * activations between its blocks, to another answer at the end.
 */

import type { QParams } from '../../../core/qparams.ts';
import { roundTiesToEven } from '../../../core/rounding.ts';

const { fround } = Math;

/** M = s_a · s_b / s_y, in f32 steps: linear ops, and products. */
export function productFactor(a: number, b: number, y: number): number {
  return fround(fround(a * b) / y);
}

/** Bits of the larger factor of a sum. */
const SUM_BITS = 21;

/** M_a = s_a / s_y and M_b = s_b / s_y as multiples of one power of two, of which the larger has 21 bits. */
export function sumFactors(a: number, b: number, y: number): [number, number] {
  const [left, right] = [fround(a / y), fround(b / y)];
  const step = 2 ** (exponentOf(Math.max(left, right)) - SUM_BITS + 1);
  return [Math.round(left / step) * step, Math.round(right / step) * step];
}

/** The largest e with 2^e ≤ x. */
function exponentOf(x: number): number {
  const words = new DataView(new ArrayBuffer(4));
  words.setFloat32(0, x);
  return ((words.getUint32(0) >>> 23) & 255) - 127;
}

/** Far above the error of u, far below the distance from a tie to the next value that is none. */
const NUDGE = 2 ** -22;

/**
 * M of an average of `count` integers. The kernel of the file rounds halves away from 0 *of its integers*, those of the
 * graph's rule would go to even. A factor that is a little larger or smaller sends all halves one way: up where integers
 * are 0 or more, down where relu makes them −128 or more and most are below 0.
 */
export function averageFactor(x: QParams, y: QParams, count: number, unsigned: boolean): number {
  const exact = x.scale[0]! / (y.scale[0]! * count);
  if (count % 2 === 1 || x.scale[0] !== y.scale[0]) return fround(exact);
  const down = !unsigned && x.zeroPoint === -128;
  return fround(exact * (down ? 1 - NUDGE : 1 + NUDGE));
}

/** A factor that XNNPACK takes in 8.8 bits; outside, LiteRT has kernels of its own, which are exact. */
function eightBits(factor: number): number | undefined {
  const rounded = roundTiesToEven(fround(256 * factor));
  return Math.abs(factor) >= 2 ** -8 && Math.abs(factor) <= 127 ? rounded / 256 : undefined;
}

/**
 * The table of a change of scale that has its own slope below 0: QUANTIZE of integers, and LEAKY_RELU. Factors have 8
 * fractional bits, halves go up. Undefined where LiteRT would not do that.
 */
export function slopesTable(x: QParams, y: QParams, alpha = 1): Int8Array<ArrayBuffer> | undefined {
  const ratio = fround(x.scale[0]! / y.scale[0]!);
  const [above, below] = [eightBits(ratio), eightBits(fround(ratio * alpha))];
  if (above === undefined || below === undefined) return undefined;
  return Int8Array.from({ length: 256 }, (_, byte) => {
    const steps = ((byte << 24) >> 24) - x.zeroPoint;
    const q = Math.floor(steps * (steps < 0 ? below : above) + 0.5) + y.zeroPoint;
    return Math.min(y.qmax, Math.max(y.qmin, q));
  });
}
