import { roundToRange } from '../../core/rounding.ts';
import type { Shape } from '../../core/shape.ts';
import type { Activation, Operands, ReferenceOp } from './operands.ts';

const { fround } = Math;

/** The element of a tensor of `shape` that stands at element `at` of one of shape `out`, repeated as NumPy does. */
function elementAt(at: number, shape: Shape, out: Shape): number {
  let [index, step] = [0, 1];
  for (let axis = 1; axis <= shape.length; axis++) {
    const extent = shape.at(-axis)!;
    if (extent > 1) index += (at % out.at(-axis)!) * step;
    at = Math.floor(at / out.at(-axis)!);
    step *= extent;
  }
  return index;
}

/** x − z at element `at` of the output */
function distanceAt(at: number, x: Activation, y: Activation): number {
  return x.data[elementAt(at, x.shape, y.shape)]! - x.qparams.zeroPoint;
}

/** u of each output element, from a − z_a, b − z_b and the multipliers. */
function binary(
  u: (left: number, right: number, multipliers: ArrayLike<number>) => number,
): ReferenceOp {
  return ({ x: [a, b], constants: [multipliers], y }: Operands) => {
    const { zeroPoint, qmin, qmax } = y.qparams;
    for (let i = 0; i < y.data.length; i++) {
      const value = u(distanceAt(i, a!, y), distanceAt(i, b!, y), multipliers!.data);
      y.data[i] = roundToRange(value, zeroPoint, qmin, qmax);
    }
  };
}

/** u = f32(f32((a − z_a) · M_a) + f32((b − z_b) · M_b))      eq. (12) */
export const add = binary((l, r, m) => fround(fround(l * m[0]!) + fround(r * m[1]!)));

/** with a minus      eq. (12) */
export const subtract = binary((l, r, m) => fround(fround(l * m[0]!) - fround(r * m[1]!)));

/** u = f32((a − z_a)(b − z_b) · M)      eq. (20) */
export const multiply = binary((l, r, m) => fround(l * r * m[0]!));

/** u = min(f32((a − z_a) · M_a), f32((b − z_b) · M_b))      eq. (21) */
export const minimum = binary((l, r, m) => Math.min(fround(l * m[0]!), fround(r * m[1]!)));

/** u = max(f32((a − z_a) · M_a), f32((b − z_b) · M_b))      eq. (21) */
export const maximum = binary((l, r, m) => Math.max(fround(l * m[0]!), fround(r * m[1]!)));

/** u = f32((x − z) · M_0) where x ≥ z, else f32((x − z)(alpha − z_alpha) · M_1)      eq. (22) */
export const prelu = binary((l, r, m) => fround(l >= 0 ? l * m[0]! : l * r * m[1]!));
