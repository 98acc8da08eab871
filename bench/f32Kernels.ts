import {
  f32Conv2dScratchBytes,
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  f32DepthwiseGradientScratchBytes,
  f32InputGradientScratchBytes,
  f32WeightGradientScratchBytes,
  f32WinogradGradientScratchBytes,
  f32WinogradScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
  winogradWeightsBytes,
} from '../src/core/f32Layout.ts';
import {
  type Cases,
  type ConvShape,
  convName,
  convParams,
  type KernelCase,
  product,
  type Rig,
  stream,
} from './rig.ts';

interface Layer {
  readonly name: string;
  readonly shape: ConvShape;
  readonly batch: number;
}

const layer = (shape: ConvShape): Layer => ({
  name: `f32 ${convName(shape)} batch 8`,
  shape,
  batch: 8,
});

/** Of the digits' network, ResNet-8, the LeNet-like network, MobileNetV1 0.25 and MobileNetV2, and a dense layer. */
const LAYERS: Layer[] = [
  ...(
    [
      [28, 1, 16, 3, 1],
      [32, 3, 16, 3, 1],
      [28, 1, 32, 3, 1],
      [32, 16, 32, 3, 2],
      [28, 32, 64, 3, 2],
      [96, 3, 8, 3, 2],
      [48, 8, 16, 1, 1],
      [14, 64, 64, 1, 1],
      [14, 96, 576, 1, 1],
    ] as const
  ).map(layer),
  { name: 'f32 dense 784→128 batch 64', shape: [1, 784, 128, 1, 1], batch: 64 },
];

/** Layers that run as transformed tiles; their rates count the products of the sum. */
const TILED: Layer[] = (
  [
    [32, 16, 16, 3, 1],
    [16, 32, 32, 3, 1],
    [14, 32, 32, 3, 1],
    [8, 64, 64, 3, 1],
  ] as const
).map(layer);

/** Of MobileNetV1 0.25 at 96² and of MobileNetV2. */
const DEPTHWISE: Layer[] = (
  [
    [14, 64, 1],
    [24, 32, 1],
    [24, 32, 2],
    [6, 128, 1],
    [56, 144, 1],
  ] as const
).map(([size, channels, stride]) => ({
  name: `f32 depthwise 3x3${stride === 1 ? '' : ` stride ${stride}`} ${size}²x${channels} batch 8`,
  shape: [size, channels, channels, 3, stride],
  batch: 8,
}));

/** Rows, features into and units of a layer whose weights are larger than all else. */
const DENSE = [32, 784, 512] as const;

/** Values in [−1, 1) that repeat late. */
const floats = ({ heap }: Rig, n: number) => heap.floats(n, (i) => ((i * 37) % 1009) / 504.5 - 1);

function sized(rig: Rig, { shape, batch }: Layer) {
  const fields = convParams(rig.heap, shape);
  const n = fields.outChannels;
  const k = fields.kernelHeight * fields.kernelWidth * fields.inChannels;
  const inputs = batch * fields.inHeight * fields.inWidth * fields.inChannels;
  const outputs = batch * fields.outHeight * fields.outWidth * n;
  return { params: rig.heap.struct('ConvParams', fields), n, k, inputs, outputs };
}

function forward(rig: Rig, layer: Layer): KernelCase {
  const { heap, kernels } = rig;
  const { params, n, k, inputs, outputs } = sized(rig, layer);
  const packed = heap.alloc(packedF32Bytes(n, k));
  kernels.f32_pack_weights(n, k, floats(rig, n * k), packed);
  const [x, bias, y] = [floats(rig, inputs), floats(rig, n), heap.alloc(4 * outputs)];
  const scratch = heap.alloc(f32Conv2dScratchBytes(k));
  return product(layer.name, outputs * k, () =>
    kernels.f32_conv2d(params, layer.batch, x, packed, bias, y, scratch),
  );
}

function inputGradient(rig: Rig, layer: Layer): KernelCase {
  const { heap, kernels } = rig;
  const { params, n, k, inputs, outputs } = sized(rig, layer);
  const packed = heap.alloc(packedTransposedF32Bytes(n, k));
  kernels.f32_pack_weights_transposed(n, k, floats(rig, n * k), packed);
  const [dy, dx] = [floats(rig, outputs), heap.alloc(4 * inputs)];
  const scratch = heap.alloc(f32InputGradientScratchBytes(k));
  return product(`${layer.name}, input gradient`, outputs * k, () =>
    kernels.f32_conv2d_input_gradient(params, layer.batch, dy, packed, dx, scratch),
  );
}

function weightGradient(rig: Rig, layer: Layer): KernelCase {
  const { heap, kernels } = rig;
  const { params, n, k, inputs, outputs } = sized(rig, layer);
  const [dy, x, dw] = [floats(rig, outputs), floats(rig, inputs), heap.alloc(4 * n * k)];
  const scratch = heap.alloc(f32WeightGradientScratchBytes(k));
  return product(`${layer.name}, weight gradient`, outputs * k, () =>
    kernels.f32_conv2d_weight_gradient(params, layer.batch, dy, x, dw, scratch),
  );
}

/** A dense layer over few rows, with the packing of the rows. */
function dense(rig: Rig): readonly [forward: KernelCase, dx: KernelCase, dw: KernelCase] {
  const { heap, kernels } = rig;
  const [rows, k, n] = DENSE;
  const [x, w, dy] = [floats(rig, rows * k), floats(rig, n * k), floats(rig, rows * n)];
  const [y, dx, dw] = [rows * n, rows * k, n * k].map((size) => heap.alloc(4 * size));
  const packed = heap.alloc(packedF32Bytes(rows, k) + packedTransposedF32Bytes(rows, k));
  const scratches = [
    f32DenseScratchBytes(rows),
    f32DenseInputGradientScratchBytes(n),
    f32DenseWeightGradientScratchBytes(rows),
  ];
  const scratch = heap.alloc(Math.max(...scratches));
  const row = (what: string, run: () => void) =>
    product(`f32 dense ${k}→${n} batch ${rows}${what}`, rows * n * k, run);
  return [
    row('', () => {
      kernels.f32_pack_weights(rows, k, x, packed);
      kernels.f32_dense(rows, n, k, packed, w, 0, y!, n, scratch);
    }),
    row(', input gradient', () =>
      kernels.f32_dense_input_gradient(rows, n, k, dy, w, dx!, k, scratch),
    ),
    row(', weight gradient', () => {
      kernels.f32_pack_weights_transposed(rows, k, x, packed);
      kernels.f32_dense_weight_gradient(rows, n, k, dy, n, packed, dw!, scratch);
    }),
  ];
}

function tiled(rig: Rig, layer: Layer): KernelCase {
  const { heap, kernels } = rig;
  const { params, n, k, inputs, outputs } = sized(rig, layer);
  const [panels, depth] = [Math.ceil(n / 8), k / 9];
  const u = heap.alloc(winogradWeightsBytes(panels, depth));
  const w = floats(rig, panels * 8 * k);
  kernels.f32_pack_winograd_weights(panels, depth, w, 32 * k, 32, 32 * depth, u);
  const [x, bias, y] = [floats(rig, inputs), floats(rig, n), heap.alloc(4 * outputs)];
  const scratch = heap.alloc(f32WinogradScratchBytes(depth));
  return product(`${layer.name} as tiles`, outputs * k, () =>
    kernels.f32_winograd2d(params, layer.batch, x, u, bias, y, scratch),
  );
}

function tiledWeightGradient(rig: Rig, layer: Layer): KernelCase {
  const { heap, kernels } = rig;
  const { params, n, k, inputs, outputs } = sized(rig, layer);
  const [dy, x, dw] = [floats(rig, outputs), floats(rig, inputs), heap.alloc(4 * n * k)];
  const scratch = heap.alloc(f32WinogradGradientScratchBytes(n, k / 9));
  return product(`${layer.name} as tiles, weight gradient`, outputs * k, () =>
    kernels.f32_winograd2d_weight_gradient(params, layer.batch, dy, x, dw, scratch),
  );
}

function tiledWeights(rig: Rig): KernelCase {
  const [panels, depth] = [8, 64];
  const w = floats(rig, panels * depth * 72);
  const u = rig.heap.alloc(winogradWeightsBytes(panels, depth));
  const bytes = 4 * panels * depth * 8 * (9 + 36);
  return stream('f32 pack 64x3x3x64 as tiles', bytes, () =>
    rig.kernels.f32_pack_winograd_weights(panels, depth, w, 288 * depth, 32, 32 * depth, u),
  );
}

/** The tensors of a depthwise layer: the input and its gradient, the output and its gradient. */
function depthwise(rig: Rig, { shape, batch }: Layer) {
  const fields = convParams(rig.heap, shape);
  const channels = fields.outChannels;
  const outputs = batch * fields.outHeight * fields.outWidth * channels;
  const x = floats(rig, batch * fields.inHeight * fields.inWidth * channels);
  const params = rig.heap.struct('ConvParams', fields);
  return { params, x, y: floats(rig, outputs), w: floats(rig, 9 * channels), macs: 9 * outputs };
}

function packing(rig: Rig, kernel: 'f32_pack_weights' | 'f32_pack_weights_transposed') {
  const [n, k] = [64, 288];
  const bytes = Math.max(packedF32Bytes(n, k), packedTransposedF32Bytes(n, k));
  const [w, packed, call] = [floats(rig, n * k), rig.heap.alloc(bytes), rig.kernels[kernel]];
  const turned = kernel === 'f32_pack_weights' ? '' : ' transposed';
  return [stream(`f32 pack${turned} ${n}x${k}`, 8 * n * k, () => call(n, k, w, packed))];
}

/** Products of training, forward and back. */
export const f32ProductCases = {
  f32_pack_weights: (rig) => packing(rig, 'f32_pack_weights'),
  f32_pack_weights_transposed: (rig) => packing(rig, 'f32_pack_weights_transposed'),
  f32_conv2d: (rig) => LAYERS.map((layer) => forward(rig, layer)),
  f32_conv2d_input_gradient: (rig) => LAYERS.map((layer) => inputGradient(rig, layer)),
  f32_conv2d_weight_gradient: (rig) => LAYERS.map((layer) => weightGradient(rig, layer)),
  f32_dense: (rig) => [dense(rig)[0]],
  f32_dense_input_gradient: (rig) => [dense(rig)[1]],
  f32_dense_weight_gradient: (rig) => [dense(rig)[2]],
  f32_pack_winograd_weights: (rig) => [tiledWeights(rig)],
  f32_winograd2d: (rig) => TILED.map((layer) => tiled(rig, layer)),
  f32_winograd2d_weight_gradient: (rig) => TILED.map((layer) => tiledWeightGradient(rig, layer)),
  f32_dwconv2d: (rig) =>
    DEPTHWISE.map((layer) => {
      const { params, x, y, w, macs } = depthwise(rig, layer);
      const run = () => rig.kernels.f32_dwconv2d(params, layer.batch, x, w, 0, y);
      return product(layer.name, macs, run);
    }),
  f32_dwconv2d_input_gradient: (rig) =>
    DEPTHWISE.map((layer) => {
      const { params, x, y, w, macs } = depthwise(rig, layer);
      const run = () => rig.kernels.f32_dwconv2d_input_gradient(params, layer.batch, y, w, x);
      return product(`${layer.name}, input gradient`, macs, run);
    }),
  f32_dwconv2d_weight_gradient: (rig) =>
    DEPTHWISE.map((layer) => {
      const { params, x, y, w, macs } = depthwise(rig, layer);
      const scratch = rig.heap.alloc(f32DepthwiseGradientScratchBytes(layer.shape[1]));
      const run = () =>
        rig.kernels.f32_dwconv2d_weight_gradient(params, layer.batch, y, x, w, scratch);
      return product(`${layer.name}, weight gradient`, macs, run);
    }),
} satisfies Record<string, Cases>;
