import {
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../../src/core/f32Layout.ts';
import { over, type Rig } from './rig.ts';
import { denseLayers } from './shapes.ts';

const floats = (n: number) => new Float32Array(n);
const drawn = (rig: Rig, n: number) => rig.put(rig.floats(n));

/** Products of few rows. */
export const denseF32 = {
  f32_dense: over(denseLayers, (rig, [rows, n, k]) => {
    const [x, w] = [drawn(rig, rows * k), drawn(rig, n * k)];
    const packed = rig.scratch(packedF32Bytes(rows, k));
    rig.kernels.f32_pack_weights(rows, k, x, packed);
    const scratch = rig.scratch(f32DenseScratchBytes(rows));
    for (const bias of [0, drawn(rig, n)]) {
      const y = rig.out(floats(rows * n));
      rig.kernels.f32_dense(rows, n, k, packed, w, bias, y, n, scratch);
    }
  }),
  f32_dense_input_gradient: over(denseLayers, (rig, [rows, n, k]) => {
    const [dy, w] = [drawn(rig, rows * n), drawn(rig, n * k)];
    const scratch = rig.scratch(f32DenseInputGradientScratchBytes(n));
    const dx = rig.out(floats(rows * k));
    rig.kernels.f32_dense_input_gradient(rows, n, k, dy, w, dx, k, scratch);
  }),
  f32_dense_weight_gradient: over(denseLayers, (rig, [rows, n, k]) => {
    const [dy, x] = [drawn(rig, rows * n), drawn(rig, rows * k)];
    const packed = rig.scratch(packedTransposedF32Bytes(rows, k));
    rig.kernels.f32_pack_weights_transposed(rows, k, x, packed);
    const scratch = rig.scratch(f32DenseWeightGradientScratchBytes(rows));
    const dw = rig.out(floats(n * k));
    rig.kernels.f32_dense_weight_gradient(rows, n, k, dy, n, packed, dw, scratch);
  }),
};
