import { roundToRange } from '../../core/rounding.ts';
import type { ReferenceOp } from './operands.ts';

/** u = f32(f32((a − z_a) · M_a) + f32((b − z_b) · M_b))      eq. (12) */
export const add: ReferenceOp = ({ x: [a, b], constants: [multipliers], y }) => {
  const [ma, mb] = [multipliers!.data[0]!, multipliers!.data[1]!];
  const { zeroPoint, qmin, qmax } = y.qparams;
  for (let i = 0; i < y.data.length; i++) {
    const left = Math.fround((a!.data[i]! - a!.qparams.zeroPoint) * ma);
    const right = Math.fround((b!.data[i]! - b!.qparams.zeroPoint) * mb);
    y.data[i] = roundToRange(Math.fround(left + right), zeroPoint, qmin, qmax);
  }
};
