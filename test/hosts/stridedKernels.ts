import {
  f32StridedWinogradInputGradientScratchBytes,
  f32StridedWinogradScratchBytes,
  f32StridedWinogradWeightGradientScratchBytes,
  stridedWinogradWeightsBytes,
} from '../../src/core/f32Layout.ts';
import type { trainKernels } from '../../src/core/kernels.ts';
import { type Line, over } from './rig.ts';
import { sized, stridedWinograds } from './shapes.ts';

const floats = (n: number) => new Float32Array(n);

/** Minimal filtering of windows with stride 2. */
export const stridedKernels = {
  f32_pack_strided_winograd_weights: over(stridedWinograds, (rig, c) => {
    const { p, n } = sized(c);
    const depth = p.inChannels;
    const w = rig.put(rig.floats(n * 9 * depth, 1));
    const u = rig.out(new Uint8Array(stridedWinogradWeightsBytes(depth / 8, n)));
    const steps = [32, 36 * depth, 4 * depth] as const;
    rig.kernels.f32_pack_strided_winograd_weights(depth / 8, n, w, ...steps, u);
  }),
  f32_strided_winograd2d: over(stridedWinograds, (rig, c) => {
    const { p, batch, n, inputs, outputs } = sized(c);
    const x = rig.put(rig.floats(inputs, 1));
    const u = rig.put(rig.floats(25 * n * p.inChannels, 1));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32StridedWinogradScratchBytes(p.inChannels));
    for (const bias of [0, rig.put(rig.floats(n, 1))]) {
      const y = rig.out(floats(outputs));
      rig.kernels.f32_strided_winograd2d(params, batch, x, u, bias, y, scratch);
    }
  }),
  f32_strided_winograd2d_input_gradient: over(stridedWinograds, (rig, c) => {
    const { p, batch, n, inputs, outputs } = sized(c);
    const dy = rig.put(rig.floats(outputs, 1));
    const u = rig.put(rig.floats(25 * n * p.inChannels, 1));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32StridedWinogradInputGradientScratchBytes(n));
    const dx = rig.out(floats(inputs));
    rig.kernels.f32_strided_winograd2d_input_gradient(params, batch, dy, u, dx, scratch);
  }),
  f32_strided_winograd2d_weight_gradient: over(stridedWinograds, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const [dy, x] = [rig.put(rig.floats(outputs, 1)), rig.put(rig.floats(inputs, 1))];
    const dw = rig.inout(rig.floats(n * k));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32StridedWinogradWeightGradientScratchBytes(n, p.inChannels));
    rig.kernels.f32_strided_winograd2d_weight_gradient(params, batch, dy, x, dw, scratch);
  }),
} satisfies Partial<Record<keyof typeof trainKernels, Line>>;
