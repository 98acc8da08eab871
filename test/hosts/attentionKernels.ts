import { matmulScratchBytes } from '../../src/core/int8Layout.ts';
import { convFields, PLAIN_WINDOW } from '../../src/ops/geometry.ts';
import { over, type Rig } from './rig.ts';
import { lengths, matrices, tables } from './shapes.ts';

const RANGE = { outZeroPoint: -5, qmin: -100, qmax: 127 };

/** ConvParams of a product of m rows whose M is one number. */
function productParams(rig: Rig, m: number, n: number, k: number): number {
  const filled = Math.ceil(n / 8) * 8;
  const zeros = rig.put(new Int32Array(filled));
  return rig.params('ConvParams', {
    ...convFields([1, m, 1, k], [1, m, 1, n], [1, 1], PLAIN_WINDOW),
    ...{ ...RANGE, inZeroPoint: 3, magic: 1, bias: zeros, addend: zeros },
    multiplier: rig.put(new Float32Array(filled).fill(0.01 / Math.sqrt(k))),
  });
}

export const attentionInt8 = {
  qs8_layernorm: over(lengths, (rig, n) => {
    const x = rig.put(rig.integers(3 * n));
    const filled = Math.ceil(n / 8) * 8;
    const params = rig.params('NormParams', {
      ...{ ...RANGE, inZeroPoint: 3, epsilon: 0.7 * n },
      multiplier: rig.put(rig.floats(filled, 60)),
      addend: rig.put(rig.floats(filled, 20)),
    });
    rig.kernels.qs8_layernorm(3, n, x, rig.out(new Int8Array(3 * n)), params);
  }),
  qs8_matmul: over(matrices, (rig, [n, k]) => {
    for (const transposed of [0, 1]) {
      const product = productParams(rig, 5, n, k);
      const params = rig.params('MatmulParams', { product, bZeroPoint: -9, transposed });
      const [a, b] = [rig.put(rig.integers(10 * k)), rig.put(rig.integers(2 * n * k))];
      const y = rig.out(new Int8Array(10 * n));
      rig.kernels.qs8_matmul(params, 0, 2, a, b, y, rig.scratch(matmulScratchBytes(n, k)));
    }
  }),
  x8_embedding: over(lengths, (rig, bytes) => {
    const x = rig.put(Int32Array.of(4, 0, -1, 9, 2));
    const table = rig.put(rig.integers(5 * bytes));
    rig.kernels.x8_embedding(5, 5, bytes, x, table, rig.out(new Int8Array(5 * bytes)));
  }),
  qs8_causal_softmax: over(lengths, (rig, n) => {
    const rows = Math.ceil(n / 3);
    const table = rig.put(Float32Array.from({ length: 256 }, (_, d) => 1 / (1 + d)));
    const x = rig.put(rig.integers(2 * rows * n));
    const params = rig.params('RescaleParams', { inZeroPoint: 0, multiplier: 200, ...RANGE });
    rig.kernels.qs8_causal_softmax(
      2,
      rows,
      n,
      x,
      table,
      rig.out(new Int8Array(2 * rows * n)),
      params,
    );
  }),
};

export const attentionF32 = {
  f32_layernorm: over(tables, (rig, [rows, n]) => {
    const [x, gamma, beta] = [rows * n, n, n].map((length) => rig.put(rig.floats(length)));
    const y = rig.out(new Float32Array(rows * n));
    const moments = rig.out(new Float32Array(2 * rows));
    rig.kernels.f32_layernorm(rows, n, x!, gamma!, beta!, y, moments, 1e-3);
  }),
  f32_layernorm_backward: over(tables, (rig, [rows, n]) => {
    const [x, dy] = [rig.put(rig.floats(rows * n)), rig.put(rig.floats(rows * n))];
    const [gamma, moments] = [rig.put(rig.floats(n)), rig.put(rig.floats(2 * rows))];
    const sums = rig.inout(Float64Array.from(rig.floats(2 * n)));
    const dx = rig.out(new Float32Array(rows * n));
    rig.kernels.f32_layernorm_backward(rows, n, x, dy, gamma, moments, dx, sums);
  }),
};
