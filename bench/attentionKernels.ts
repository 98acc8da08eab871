import { matmulScratchBytes } from '../src/core/int8Layout.ts';
import { type Cases, convParams, product, type Rig, stream } from './rig.ts';

/** 64 positions of 256 features, and 4 heads that attend to each other. */
const [POSITIONS, FEATURES, HEADS, KEY] = [64, 256, 4, 64];
const N = POSITIONS * FEATURES;

const reals = ({ heap }: Rig, n: number) => heap.floats(n, (i) => ((i * 37) % 1009) / 504.5 - 1);

/** The products of attention and what stands around them. */
export const attentionInt8Cases = {
  qs8_layernorm: (rig) => {
    const { heap, kernels } = rig;
    const [x, y] = [heap.random(N), heap.alloc(N)];
    const params = heap.struct('NormParams', {
      ...{ inZeroPoint: 3, epsilon: 1, outZeroPoint: -5, qmin: -128, qmax: 127 },
      ...{ multiplier: reals(rig, FEATURES), addend: reals(rig, FEATURES) },
    });
    const run = () => kernels.qs8_layernorm(POSITIONS, FEATURES, x, y, params);
    return [stream(`layernorm ${POSITIONS}x${FEATURES}`, 2 * N, run)];
  },
  qs8_matmul: ({ heap, kernels }) => {
    const [a, b, y] = [heap.random(N), heap.random(N), heap.alloc(HEADS * POSITIONS ** 2)];
    const scratch = heap.alloc(matmulScratchBytes(POSITIONS, KEY));
    const fields = convParams(heap, [1, KEY, POSITIONS, 1, 1]);
    const image = { ...fields, inHeight: POSITIONS, outHeight: POSITIONS };
    const shared = { product: heap.struct('ConvParams', image), bZeroPoint: -7 };
    return [1, 0].map((transposed) => {
      const params = heap.struct('MatmulParams', { ...shared, transposed });
      const run = () => kernels.qs8_matmul(params, 0, HEADS, a, b, y, scratch);
      const name = `matmul 4·${POSITIONS}x${KEY}·${KEY}x${POSITIONS}${transposed ? ' transposed' : ''}`;
      return product(name, HEADS * POSITIONS * POSITIONS * KEY, run);
    });
  },
  x8_embedding: ({ heap, kernels }) => {
    const [x, table, y] = [heap.alloc(4 * POSITIONS), heap.random(N), heap.alloc(N)];
    const run = () => kernels.x8_embedding(POSITIONS, POSITIONS, FEATURES, x, table, y);
    return [stream(`embedding ${POSITIONS}x${FEATURES}`, 2 * N, run)];
  },
  qs8_causal_softmax: ({ heap, kernels }) => {
    const n = HEADS * POSITIONS * POSITIONS;
    const [x, y] = [heap.random(n), heap.alloc(n)];
    const table = heap.floats(256, (d) => 1 / (1 + d));
    const fields = { outZeroPoint: -128, qmin: -128, qmax: 127 };
    const params = heap.struct('RescaleParams', { inZeroPoint: 0, multiplier: 256, ...fields });
    const run = () => {
      kernels.qs8_causal_softmax(HEADS, POSITIONS, POSITIONS, x, table, y, params);
    };
    return [stream(`causal softmax 4·${POSITIONS}x${POSITIONS}`, 2 * n, run)];
  },
} satisfies Record<string, Cases>;

export const attentionF32Cases = {
  f32_layernorm: (rig) => {
    const { heap, kernels } = rig;
    const [x, gamma, beta] = [reals(rig, N), reals(rig, FEATURES), reals(rig, FEATURES)];
    const [y, moments] = [heap.alloc(4 * N), heap.alloc(8 * POSITIONS)];
    const run = () => kernels.f32_layernorm(POSITIONS, FEATURES, x, gamma, beta, y, moments, 1e-3);
    return [stream(`f32 layernorm ${POSITIONS}x${FEATURES}`, 8 * N, run)];
  },
  f32_layernorm_backward: (rig) => {
    const { heap, kernels } = rig;
    const [x, dy, gamma] = [reals(rig, N), reals(rig, N), reals(rig, FEATURES)];
    const [moments, dx] = [reals(rig, 2 * POSITIONS), heap.alloc(4 * N)];
    const sums = heap.alloc(16 * FEATURES);
    const run = () =>
      kernels.f32_layernorm_backward(POSITIONS, FEATURES, x, dy, gamma, moments, dx, sums);
    return [stream(`f32 layernorm backward ${POSITIONS}x${FEATURES}`, 12 * N, run)];
  },
} satisfies Record<string, Cases>;
