import {
  conv2dScratchBytes,
  dwconv2dScratchBytes,
  gemvScratchBytes,
  packedDepthwiseBytes,
  packedWeightsBytes,
  packedWinogradBytes,
  paddedDepth,
  winogradScratchBytes,
} from '../src/core/int8Layout.ts';
import type { InferKernels, RealSumName } from '../src/core/kernels.ts';
import { attentionInt8Cases } from './attentionKernels.ts';
import {
  type Cases,
  type ConvShape,
  convName,
  convParams,
  type KernelCase,
  poolParams,
  product,
  type Rig,
  stream,
} from './rig.ts';

const MATRICES = [256, 512, 1024];

const CONVOLUTIONS: ConvShape[] = [
  [56, 64, 64, 1, 1],
  [56, 64, 128, 1, 1],
  [28, 128, 128, 1, 1],
  [14, 256, 256, 1, 1],
  [112, 32, 16, 1, 1],
  [28, 144, 32, 1, 1],
  [56, 64, 64, 3, 1],
  [28, 128, 128, 3, 1],
  [14, 256, 256, 3, 1],
  [7, 512, 512, 3, 1],
  [224, 3, 32, 3, 2],
  [224, 3, 64, 7, 2],
];

const DEPTHWISE: ConvShape[] = [1, 2].flatMap((stride) => [
  [112, 32, 32, 3, stride] as const,
  [56, 144, 144, 3, stride] as const,
  [14, 576, 576, 3, stride] as const,
  [7, 960, 960, 3, stride] as const,
]);

/** Windows of NASNet, MobileNetV3 and EfficientNet. */
const LARGE_WINDOWS: ConvShape[] = [
  [28, 120, 120, 5, 1],
  [28, 120, 120, 5, 2],
  [28, 88, 88, 7, 1],
];

type ConvKernel = 'qs8_conv2d' | 'qs8_f32_conv2d';
type DepthwiseKernel = 'qs8_dwconv2d' | 'qs8_f32_dwconv2d';

function convCase(
  { heap, kernels }: Rig,
  kernel: ConvKernel,
  name: string,
  shape: ConvShape,
  height?: number,
): KernelCase {
  const fields = convParams(heap, shape, height);
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = fields;
  const k = fields.kernelHeight * fields.kernelWidth * inChannels;
  const [rows, depth] = [fields.kernelHeight, paddedDepth(fields)];
  const packed = heap.alloc(packedWeightsBytes(outChannels, depth));
  kernels.qs8_pack_weights(outChannels, rows, k / rows, 0, heap.random(outChannels * k), packed);
  const params = heap.struct('ConvParams', fields);
  const x = heap.random(inHeight * inWidth * inChannels);
  const outputs = outHeight * outWidth * outChannels;
  const y = heap.alloc(kernel === 'qs8_conv2d' ? outputs : 4 * outputs);
  const scratch = heap.alloc(conv2dScratchBytes(depth));
  const call = kernels[kernel];
  const pixels = outHeight * outWidth;
  return product(name, outputs * k, () => call(params, 0, pixels, x, packed, y, scratch));
}

function depthwiseCase(
  { heap, kernels }: Rig,
  kernel: DepthwiseKernel,
  name: string,
  shape: ConvShape,
): KernelCase {
  const [size, channels, , window] = shape;
  const fields = convParams(heap, shape);
  const packed = heap.alloc(packedDepthwiseBytes(channels, window, window));
  const w = heap.random(window * window * channels);
  kernels.qs8_pack_dwconv_weights(channels, window, window, 0, w, packed);
  const params = heap.struct('ConvParams', fields);
  const x = heap.random(size * size * channels);
  const rows = fields.outHeight;
  const outputs = rows * fields.outWidth * channels;
  const y = heap.alloc(kernel === 'qs8_dwconv2d' ? outputs : 4 * outputs);
  const scratch = heap.alloc(dwconv2dScratchBytes(channels, window, window));
  const call = kernels[kernel];
  const run = () => call(params, 0, rows, x, packed, y, scratch);
  return product(name, outputs * window * window, run);
}

/** Square images, channels in and out: 3x3 layers of ResNets. */
const WINOGRAD: ConvShape[] = [
  [56, 64, 64, 3, 1],
  [28, 128, 128, 3, 1],
  [14, 256, 256, 3, 1],
  [7, 512, 512, 3, 1],
];

/** Rates count the products of the plain convolution, so that they compare with qs8_conv2d. */
function winogradCase(
  { heap, kernels }: Rig,
  kernel: 'qs8_winograd2d' | 'qs8_f32_winograd2d',
  name: string,
  shape: ConvShape,
): KernelCase {
  const [size, inputs, outputs] = shape;
  const fields = convParams(heap, shape);
  const packed = heap.alloc(packedWinogradBytes(outputs, inputs));
  kernels.qs8_pack_winograd_weights(outputs, inputs, 0, heap.random(outputs * 9 * inputs), packed);
  const params = heap.struct('ConvParams', fields);
  const x = heap.random(size * size * inputs);
  const bytes = kernel === 'qs8_winograd2d' ? 1 : 4;
  const y = heap.alloc(bytes * size * size * outputs);
  const scratch = heap.alloc(winogradScratchBytes(inputs));
  const rows = Math.ceil(size / 2);
  const call = kernels[kernel];
  const run = () => call(params, 0, rows, x, packed, y, scratch);
  return product(name, size * size * outputs * 9 * inputs, run);
}

/** Features and units of dense layers. */
const DENSE = [
  [2048, 1000],
  [1280, 1000],
  [64, 10],
] as const;

/** A dense layer of one row. */
function denseCase({ heap, kernels }: Rig, [k, n]: (typeof DENSE)[number]): KernelCase {
  const w = heap.random(n * k + 16);
  const params = heap.struct('ConvParams', convParams(heap, [1, k, n, 1, 1]));
  const [x, y, scratch] = [heap.random(k), heap.alloc(n), heap.alloc(gemvScratchBytes(1, k))];
  const panels = Math.ceil(n / 8);
  const run = () => kernels.qs8_gemv(params, 0, panels, x, w, y, scratch);
  return product(`dense ${k}→${n}`, n * k, run);
}

const depthwiseName = ([size, channels, , kernel, stride]: ConvShape) =>
  `depthwise ${kernel}x${kernel} stride ${stride} ${size}²x${channels}`;

/** Elements of a vector. */
const N = 1 << 16;

const range = { qmin: -128, qmax: 127 };

function quantizeParams({ heap }: Rig): number {
  return heap.struct('QuantizeParams', { scale: 0.5, inverseScale: 2, zeroPoint: 4, ...range });
}

/** A transpose of a 1024-column matrix whose elements are runs of `bytes`. */
function copyCase({ heap, kernels }: Rig, bytes: number): KernelCase {
  const [rows, columns] = [N / 1024 / bytes, 1024];
  const params = heap.struct('CopyParams', {
    ...{ extent1: 1, extent2: 1, extent3: 1, extent4: columns, extent5: rows, bytes },
    ...{ inStride0: 0, inStride1: 0, inStride2: 0, inStride3: 0 },
    ...{ inStride4: bytes, inStride5: columns * bytes },
    ...{ outStride0: 0, outStride1: 0, outStride2: 0, outStride3: 0 },
    ...{ outStride4: rows * bytes, outStride5: bytes },
  });
  const [x, y] = [heap.random(N), heap.alloc(N)];
  const name = `transpose ${rows}x${columns}, runs of ${bytes}`;
  return stream(name, 2 * N, () => kernels.x8_copy(params, 0, 1, x, y));
}

function binaryParams({ heap }: Rig): number {
  return heap.struct('BinaryParams', {
    ...{ aZeroPoint: 3, bZeroPoint: -3, aMultiplier: 0.4, bMultiplier: 0.7, outZeroPoint: 1 },
    ...range,
    magic: 1,
  });
}

function rescaleParams({ heap }: Rig): number {
  const zeroPoints = { inZeroPoint: 3, outZeroPoint: -3 };
  return heap.struct('RescaleParams', { ...zeroPoints, multiplier: 100, ...range });
}

type Elementwise = [n: number, a: number, b: number, y: number, params: number];

function binaryCase(rig: Rig, name: string, run: (...args: Elementwise) => void): KernelCase {
  const { heap } = rig;
  const [a, b, y, params] = [heap.random(N), heap.random(N), heap.alloc(N), binaryParams(rig)];
  return stream(name, 3 * N, () => run(N, a, b, y, params));
}

/** A time step of 128 units over 16 samples. */
function recurrentStep({ heap }: Rig, gates: number) {
  const [units, batch] = [128, 16];
  const strides = { gateStride: gates * units, stateStride: units, outStride: units };
  const table = heap.floats(1024, (i) => i / 1023);
  const params = heap.struct('RecurrentParams', { batch, units, ...strides, table });
  const reals = (n: number) => heap.floats(n, (i) => ((i * 37) % 1009) - 504);
  const [x, h] = [reals(batch * gates * units), reals(batch * gates * units)];
  const [c, y] = [reals(batch * units), reals(batch * units)];
  const name = `${batch}x${units}`;
  // Gates are read, read and written; states read and written, outputs written.
  const bytes = batch * units * (12 * gates + 13);
  return { args: [params, x, h, c, c, y, heap.alloc(batch * units)], name, bytes };
}

type Step = Parameters<InferKernels['f32_qs8_lstm_gates']>;

export const int8Cases = {
  ...attentionInt8Cases,
  qs8_pack_weights: ({ heap, kernels }) => {
    const [n, k] = [64, 576];
    const [w, packed] = [heap.random(n * k), heap.alloc(packedWeightsBytes(n, k))];
    const run = () => kernels.qs8_pack_weights(n, 3, k / 3, 0, w, packed);
    return [stream(`pack ${n}x${k}`, 3 * n * k, run)];
  },
  qs8_conv2d: (rig) => [
    ...MATRICES.map((n) => convCase(rig, 'qs8_conv2d', `matmul ${n}³`, [1, n, n, 1, 1], n)),
    ...CONVOLUTIONS.map((shape) => convCase(rig, 'qs8_conv2d', convName(shape), shape)),
  ],
  qs8_f32_conv2d: (rig) => {
    const shape: ConvShape = [14, 256, 256, 1, 1];
    return [convCase(rig, 'qs8_f32_conv2d', `${convName(shape)} to f32`, shape)];
  },
  f32_qs8_lstm_gates: (rig) => {
    const { args, name, bytes } = recurrentStep(rig, 4);
    const run = () => rig.kernels.f32_qs8_lstm_gates(...(args as Step));
    return [stream(`lstm gates ${name}`, bytes, run)];
  },
  f32_qs8_gru_gates: (rig) => {
    const { args, name, bytes } = recurrentStep(rig, 3);
    const run = () => rig.kernels.f32_qs8_gru_gates(...(args as Step));
    return [stream(`gru gates ${name}`, bytes, run)];
  },
  qs8_gemv: (rig) => DENSE.map((shape) => denseCase(rig, shape)),
  qs8_pack_winograd_weights: ({ heap, kernels }) => {
    const [n, channels] = [64, 64];
    const w = heap.random(n * 9 * channels);
    const packed = heap.alloc(packedWinogradBytes(n, channels));
    const run = () => kernels.qs8_pack_winograd_weights(n, channels, 0, w, packed);
    return [stream(`pack winograd ${n}x3x3x${channels}`, (9 + 32) * n * channels, run)];
  },
  qs8_winograd2d: (rig) =>
    WINOGRAD.map((shape) =>
      winogradCase(rig, 'qs8_winograd2d', `winograd ${convName(shape)}`, shape),
    ),
  qs8_f32_winograd2d: (rig) => {
    const shape: ConvShape = [32, 16, 16, 3, 1];
    return [winogradCase(rig, 'qs8_f32_winograd2d', `winograd ${convName(shape)} to f32`, shape)];
  },
  qs8_pack_dwconv_weights: ({ heap, kernels }) => {
    const channels = 576;
    const w = heap.random(9 * channels);
    const packed = heap.alloc(packedDepthwiseBytes(channels, 3, 3));
    const run = () => kernels.qs8_pack_dwconv_weights(channels, 3, 3, 0, w, packed);
    return [stream(`pack depthwise 3x3x${channels}`, (9 + 24) * channels, run)];
  },
  qs8_dwconv2d: (rig) =>
    [...DEPTHWISE, ...LARGE_WINDOWS].map((shape) =>
      depthwiseCase(rig, 'qs8_dwconv2d', depthwiseName(shape), shape),
    ),
  qs8_f32_dwconv2d: (rig) => {
    const shape: ConvShape = [14, 576, 576, 3, 1];
    return [depthwiseCase(rig, 'qs8_f32_dwconv2d', `${depthwiseName(shape)} to f32`, shape)];
  },
  qs8_vadd: (rig) => [binaryCase(rig, 'vadd', (...args) => rig.kernels.qs8_vadd(...args))],
  qs8_vmul: (rig) => [binaryCase(rig, 'vmul', (...args) => rig.kernels.qs8_vmul(...args))],
  qs8_vminmax: (rig) => [
    binaryCase(rig, 'vminmax', (...args) => rig.kernels.qs8_vminmax(...args, 0)),
  ],
  qs8_prelu: (rig) => {
    const { heap, kernels } = rig;
    const [x, alpha, y, params] = [
      heap.random(N),
      heap.random(64),
      heap.alloc(N),
      binaryParams(rig),
    ];
    const run = () => kernels.qs8_prelu(N / 64, 64, x, alpha, y, params);
    return [stream('prelu 32²x64', 2 * N, run)];
  },
  qs8_mean: (rig) => {
    const { heap, kernels } = rig;
    const [x, y, params] = [heap.random(N), heap.alloc(N), rescaleParams(rig)];
    return [
      stream('mean 64x64x16', N, () => kernels.qs8_mean(params, 64, 64, 16, x, y)),
      stream('mean of rows 64x1024', N, () => kernels.qs8_mean(params, 64, 1024, 1, x, y)),
    ];
  },
  qs8_softmax: (rig) => {
    const { heap, kernels } = rig;
    const [x, y, params] = [heap.random(N), heap.alloc(N), rescaleParams(rig)];
    const table = heap.floats(256, (d) => 1 / (1 + d));
    return [1000, 16].map((n) =>
      stream(`softmax of ${n}`, 2 * n * 64, () => kernels.qs8_softmax(64, n, x, table, y, params)),
    );
  },
  qs8_l2norm: (rig) => {
    const { heap, kernels } = rig;
    const [x, y, params] = [heap.random(N), heap.alloc(N), rescaleParams(rig)];
    return [stream('l2norm 64x1024', 2 * N, () => kernels.qs8_l2norm(64, 1024, x, y, params))];
  },
  qs8_argmax: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N), heap.alloc(4 * N)];
    return [
      stream('argmax 64x1024', N, () => kernels.qs8_argmax(64, 1024, 1, x, y)),
      stream('argmax 3120x21', N, () => kernels.qs8_argmax(3120, 21, 1, x, y)),
    ];
  },
  qs8_maxpool2d: ({ heap, kernels }) => {
    const [params, x, y] = [poolParams(heap, 2, 32, 64), heap.random(N), heap.alloc(N)];
    const run = () => kernels.qs8_maxpool2d(params, 0, 16, x, y);
    return [stream('maxpool 2x2 32²x64', 1.25 * N, run)];
  },
  qs8_avgpool2d: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N), heap.alloc(N)];
    const [halves, global] = [poolParams(heap, 2, 32, 64), poolParams(heap, 8, 8, 1024)];
    return [
      stream('avgpool 2x2 32²x64', 1.25 * N, () => kernels.qs8_avgpool2d(halves, 0, 16, x, y)),
      stream('avgpool 8x8 8²x1024', 65 * 1024, () => kernels.qs8_avgpool2d(global, 0, 1, x, y)),
    ];
  },
  qs8_vclamp: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N), heap.alloc(N)];
    return [stream('vclamp', 2 * N, () => kernels.qs8_vclamp(N, x, y, -20, 90))];
  },
  f32_qs8_vquantize: (rig) => {
    const { heap, kernels } = rig;
    const [x, y] = [heap.floats(N, (i) => (i % 300) - 150), heap.alloc(N)];
    const params = quantizeParams(rig);
    return [stream('vquantize', 5 * N, () => kernels.f32_qs8_vquantize(N, x, y, params))];
  },
  qs8_f32_vdequantize: (rig) => {
    const { heap, kernels } = rig;
    const [x, y] = [heap.random(N), heap.alloc(4 * N)];
    const params = quantizeParams(rig);
    return [stream('vdequantize', 5 * N, () => kernels.qs8_f32_vdequantize(N, x, y, params))];
  },
  u8_lut: ({ heap, kernels }) => {
    const [x, table, y] = [heap.random(N), heap.random(256), heap.alloc(N)];
    return [stream('lut', 2 * N, () => kernels.u8_lut(N, 1, x, table, y))];
  },
  x8_copy: (rig) => [copyCase(rig, 1), copyCase(rig, 8), copyCase(rig, 64)],
  x8_gather: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N / 4), heap.alloc(N)];
    const doubled = heap.integers(32, (i) => 64 * (i >> 1));
    const rows = heap.integers(32, (i) => 1024 * (i >> 1));
    const params = heap.struct('GatherParams', {
      ...{ rows: 32, columns: 32, bytes: 64, inBytes: N / 4 },
      ...{ rowOffsets: rows, columnOffsets: doubled },
    });
    const run = () => kernels.x8_gather(params, 0, 32, x, y);
    return [stream('gather: 16²x64 to 32²', 1.25 * N, run)];
  },
  qs8_resize_bilinear: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N / 4), heap.alloc(N)];
    const taps = (stride: number) =>
      heap.integers(96, (i) => {
        const lower = Math.min(Math.floor(i / 6), 14);
        return [lower * stride, (lower + 1) * stride, 512 * (Math.floor(i / 3) & 1)][i % 3]!;
      });
    const params = heap.struct('ResizeParams', {
      ...{ inBytes: N / 4, channels: 64, outHeight: 32, outWidth: 32 },
      ...{ rows: taps(1024), columns: taps(64) },
    });
    const run = () => kernels.qs8_resize_bilinear(params, 0, 32, x, y);
    return [stream('bilinear 16²x64 to 32²', 1.25 * N, run)];
  },
  x8_xor: ({ heap, kernels }) => {
    const [x, y] = [heap.random(N), heap.alloc(N)];
    return [stream('xor', 2 * N, () => kernels.x8_xor(N, x, y, 128))];
  },
} satisfies Record<keyof InferKernels | RealSumName, Cases>;
