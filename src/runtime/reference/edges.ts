import { quantize as quantizeReal } from '../../core/rounding.ts';
import type { ReferenceOp } from './operands.ts';

const { fround } = Math;

/** q = clamp(rte(f32(x · f32(1/s))) + z, qmin, qmax)      eq. (3) */
export const quantize: ReferenceOp = ({ x: [x], y }) => {
  const { scale, zeroPoint, qmin, qmax } = y.qparams;
  const inverse = fround(1 / scale[0]!);
  for (let i = 0; i < y.data.length; i++) {
    y.data[i] = quantizeReal(x!.data[i]!, inverse, zeroPoint, qmin, qmax);
  }
};

/** x̂ = f32((q − z) · s)      eq. (2) */
export const dequantize: ReferenceOp = ({ x: [x], y }) => {
  const { scale, zeroPoint } = x!.qparams;
  for (let i = 0; i < y.data.length; i++) y.data[i] = fround((x!.data[i]! - zeroPoint) * scale[0]!);
};

/** The table is counted by bytes: −1 is 255. */
export const lookup: ReferenceOp = ({ x: [x], constants: [table], y }) => {
  for (let i = 0; i < y.data.length; i++) y.data[i] = table!.data[x!.data[i]! & 255]!;
};
