import {
  f32StridedWinogradInputGradientScratchBytes,
  f32StridedWinogradScratchBytes,
  f32StridedWinogradWeightGradientScratchBytes,
  stridedWinogradWeightsBytes,
} from '../src/core/f32Layout.ts';
import type { TrainKernels } from '../src/core/kernels.ts';
import {
  type Cases,
  type ConvShape,
  convName,
  convParams,
  product,
  type Rig,
  stream,
} from './rig.ts';

const BATCH = 8;

/** Layers of ResNet-8 and of the LeNet-like network; rates count the products of the sum. */
const LAYERS: ConvShape[] = [
  [32, 16, 32, 3, 2],
  [16, 32, 64, 3, 2],
  [28, 32, 64, 3, 2],
];

const floats = ({ heap }: Rig, n: number) => heap.floats(n, (i) => Math.sin(i));

function operands(rig: Rig, shape: ConvShape) {
  const fields = convParams(rig.heap, shape);
  const [c, n] = [fields.inChannels, fields.outChannels];
  const outputs = BATCH * fields.outHeight * fields.outWidth * n;
  const x = floats(rig, BATCH * fields.inHeight * fields.inWidth * c);
  const bytes = [
    f32StridedWinogradScratchBytes(c),
    f32StridedWinogradInputGradientScratchBytes(n),
    f32StridedWinogradWeightGradientScratchBytes(n, c),
  ];
  return {
    ...{ c, n, x, y: floats(rig, outputs), w: floats(rig, 9 * c * n) },
    u: floats(rig, stridedWinogradWeightsBytes(1, c * n) / 4 / 8),
    params: rig.heap.struct('ConvParams', fields),
    scratch: rig.heap.alloc(Math.max(...bytes)),
    macs: 9 * c * outputs,
    name: `f32 ${convName(shape)} batch ${BATCH} as tiles`,
  };
}

export const f32StridedCases = {
  f32_pack_strided_winograd_weights: (rig) => {
    const { c, n, w, u } = operands(rig, LAYERS[1]!);
    const run = () =>
      rig.kernels.f32_pack_strided_winograd_weights(c / 8, n, w, 32, 36 * c, 4 * c, u);
    return [stream(`f32 pack ${n}x3x3x${c} as strided tiles`, 4 * c * n * (9 + 25), run)];
  },
  f32_strided_winograd2d: (rig) =>
    LAYERS.map((shape) => {
      const { params, x, u, y, scratch, macs, name } = operands(rig, shape);
      return product(name, macs, () =>
        rig.kernels.f32_strided_winograd2d(params, BATCH, x, u, 0, y, scratch),
      );
    }),
  f32_strided_winograd2d_input_gradient: (rig) =>
    LAYERS.map((shape) => {
      const { params, x, u, y, scratch, macs, name } = operands(rig, shape);
      return product(`${name}, input gradient`, macs, () =>
        rig.kernels.f32_strided_winograd2d_input_gradient(params, BATCH, y, u, x, scratch),
      );
    }),
  f32_strided_winograd2d_weight_gradient: (rig) =>
    LAYERS.map((shape) => {
      const { params, x, y, w, scratch, macs, name } = operands(rig, shape);
      return product(`${name}, weight gradient`, macs, () =>
        rig.kernels.f32_strided_winograd2d_weight_gradient(params, BATCH, y, x, w, scratch),
      );
    }),
} satisfies Partial<Record<keyof TrainKernels, Cases>>;
