import { type ReferenceOp, weightZero } from './operands.ts';
import { channelRequant } from './requant.ts';

/** acc[n,u] = Σ (x[n,k] − z) · (w[u,k] − z_w) */
export const dense: ReferenceOp = ({ x: [x], constants, y }) => {
  const [rows, units] = y.shape as readonly [number, number];
  const { data: w, shape } = constants[0]!;
  const depth = shape[1]!;
  const wZero = weightZero(constants[0]!);
  const requant = channelRequant(constants, y);
  for (let n = 0; n < rows; n++) {
    for (let u = 0; u < units; u++) {
      let acc = 0;
      for (let k = 0; k < depth; k++) {
        acc += (x!.data[n * depth + k]! - x!.qparams.zeroPoint) * (w[u * depth + k]! - wZero);
      }
      y.data[n * units + u] = requant(acc, u);
    }
  }
};
