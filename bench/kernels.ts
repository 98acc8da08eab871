import type { StructFields } from '../src/core/abi.ts';
import {
  conv2dScratchBytes,
  dwconv2dScratchBytes,
  packedDepthwiseBytes,
  packedWeightsBytes,
} from '../src/core/int8Layout.ts';
import type { InferKernels } from '../src/core/kernels.ts';
import { ceilingCase, clockCase, dotAddPerCycle, LEAST_DOT_ADD_PER_CYCLE } from './ceiling.ts';
import {
  type Case,
  cpuName,
  hostName,
  measure,
  type Report,
  type Row,
  rounded,
  rowOf,
} from './harness.ts';
import { Heap, load } from './memory.ts';

/** Size of a square image, channels in and out, kernel and stride. */
type ConvShape = readonly [
  size: number,
  inputs: number,
  outputs: number,
  kernel: number,
  stride: number,
];

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
  [224, 3, 32, 3, 2],
];

const DEPTHWISE: ConvShape[] = [1, 2].flatMap((stride) => [
  [112, 32, 32, 3, stride] as const,
  [56, 144, 144, 3, stride] as const,
  [14, 576, 576, 3, stride] as const,
  [7, 960, 960, 3, stride] as const,
]);

function convParams(
  heap: Heap,
  [size, inputs, outputs, kernel, stride]: ConvShape,
  height = size,
): StructFields<'ConvParams'> {
  const pad = kernel >> 1;
  const after = (extent: number) => Math.floor((extent + 2 * pad - kernel) / stride) + 1;
  const channels = Math.ceil(outputs / 8) * 8;
  return {
    ...{ inHeight: height, inWidth: size, inChannels: inputs, inStride: inputs },
    ...{
      outHeight: after(height),
      outWidth: after(size),
      outChannels: outputs,
      outStride: outputs,
    },
    ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride },
    ...{ dilationHeight: 1, dilationWidth: 1, padTop: pad, padLeft: pad },
    ...{ inZeroPoint: -3, outZeroPoint: 5, qmin: -128, qmax: 127, magic: 1 },
    bias: heap.floats(channels, () => 0),
    multiplier: heap.floats(channels, (c) => 1e-4 * (c + 1)),
    addend: heap.floats(channels, (c) => c / channels),
  };
}

function convCase(
  heap: Heap,
  kernels: InferKernels,
  name: string,
  shape: ConvShape,
  height?: number,
): Case {
  const fields = convParams(heap, shape, height);
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = fields;
  const k = fields.kernelHeight * fields.kernelWidth * inChannels;
  const packed = heap.alloc(packedWeightsBytes(outChannels, k));
  kernels.qs8_pack_weights(outChannels, k, heap.random(outChannels * k), packed);
  const params = heap.struct('ConvParams', fields);
  const x = heap.random(inHeight * inWidth * inChannels);
  const y = heap.alloc(outHeight * outWidth * outChannels);
  const scratch = heap.alloc(conv2dScratchBytes(k));
  return {
    name,
    unit: 'GMAC/s',
    giga: (outHeight * outWidth * outChannels * k) / 1e9,
    run: () => kernels.qs8_conv2d(params, 1, x, packed, y, scratch),
  };
}

function depthwiseCase(heap: Heap, kernels: InferKernels, shape: ConvShape): Case {
  const [size, channels, , kernel, stride] = shape;
  const fields = convParams(heap, shape);
  const packed = heap.alloc(packedDepthwiseBytes(channels, kernel, kernel));
  const w = heap.random(kernel * kernel * channels);
  kernels.qs8_pack_dwconv_weights(channels, kernel, kernel, w, packed);
  const params = heap.struct('ConvParams', fields);
  const x = heap.random(size * size * channels);
  const y = heap.alloc(size * size * channels);
  const scratch = heap.alloc(dwconv2dScratchBytes(channels, kernel, kernel));
  return {
    name: `depthwise ${kernel}x${kernel} stride ${stride} ${size}²x${channels}`,
    unit: 'GMAC/s',
    giga: (fields.outHeight * fields.outWidth * channels * kernel * kernel) / 1e9,
    run: () => kernels.qs8_dwconv2d(params, 1, x, packed, y, scratch),
  };
}

/** Rates count the bytes read and written. */
function vectorCases(heap: Heap, kernels: InferKernels): Case[] {
  const n = 1 << 18;
  const [a, b, y] = [heap.random(n), heap.random(n), heap.alloc(4 * n)];
  const floats = heap.floats(n, (i) => (i % 300) - 150);
  const range = { qmin: -128, qmax: 127 };
  const add = heap.struct('AddParams', {
    ...{ aZeroPoint: 3, bZeroPoint: -3, aMultiplier: 0.4, bMultiplier: 0.7, outZeroPoint: 1 },
    ...range,
  });
  const quantize = heap.struct('QuantizeParams', {
    ...{ scale: 0.5, inverseScale: 2, zeroPoint: 4 },
    ...range,
  });
  const pool = (kernel: number, size: number, channels: number) =>
    heap.struct('PoolParams', {
      ...{ inHeight: size, inWidth: size, channels },
      ...{ outHeight: size / kernel, outWidth: size / kernel },
      ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: kernel, strideWidth: kernel },
      ...{ padTop: 0, padLeft: 0, inZeroPoint: 3, outZeroPoint: -3, ...range },
      ...{ multiplier: heap.floats(1, () => 0.02), multiplierStride: 0 },
    });
  const [halves, global] = [pool(2, 64, 64), pool(8, 8, 1024)];
  const table = heap.random(256);
  const entry = (name: string, bytes: number, run: () => void): Case => ({
    name,
    unit: 'GB/s',
    giga: bytes / 1e9,
    run,
  });
  return [
    entry('vadd', 3 * n, () => kernels.qs8_vadd(n, a, b, y, add)),
    entry('vclamp', 2 * n, () => kernels.qs8_vclamp(n, a, y, -20, 90)),
    entry('vquantize', 5 * n, () => kernels.f32_qs8_vquantize(n, floats, y, quantize)),
    entry('vdequantize', 5 * n, () => kernels.qs8_f32_vdequantize(n, a, y, quantize)),
    entry('lut', 2 * n, () => kernels.u8_lut(n, 1, a, table, y)),
    entry('maxpool 2x2 64²x64', 1.25 * n, () => kernels.qs8_maxpool2d(halves, 1, a, y)),
    entry('avgpool 2x2 64²x64', 1.25 * n, () => kernels.qs8_avgpool2d(halves, 1, a, y)),
    entry('avgpool 8x8 8²x1024', 65 * 1024, () => kernels.qs8_avgpool2d(global, 1, a, y)),
  ];
}

function allCases(heap: Heap): Case[] {
  const kernels = load<InferKernels>('infer', heap.memory);
  const matrices = MATRICES.map((n) => convCase(heap, kernels, `matmul ${n}³`, [1, n, n, 1, 1], n));
  const convolutions = CONVOLUTIONS.map((shape) => {
    const [size, inputs, outputs, kernel, stride] = shape;
    const strides = stride === 1 ? '' : ` stride ${stride}`;
    const name = `conv ${kernel}x${kernel}${strides} ${size}²·${inputs}→${outputs}`;
    return convCase(heap, kernels, name, shape);
  });
  const depthwise = DEPTHWISE.map((shape) => depthwiseCase(heap, kernels, shape));
  return [...matrices, ...convolutions, ...depthwise, ...vectorCases(heap, kernels)];
}

export interface KernelOptions {
  readonly rounds: number;
  /** Only cases whose name contains this. */
  readonly only: string;
}

/** Every kernel against the ceiling loop of the same run: ratio = best rate / best ceiling. */
export function run({ rounds, only }: KernelOptions): Report {
  const heap = new Heap();
  const loops = [ceilingCase(heap), clockCase(heap)];
  const cases = allCases(heap).filter(({ name }) => name.includes(only));
  const rates = measure([...loops, ...cases], { rounds, slice: 1 });
  const best = rates.map((of) => Math.max(...of));
  const perCycle = dotAddPerCycle(best[0]!, best[1]!);
  const reference = { rate: best[0]!, against: 'ceiling' };
  const rows: Row[] = [...loops, ...cases].map((c, i) =>
    rowOf(c, rates[i]!, c.unit === 'GMAC/s' && i > 0 ? reference : undefined),
  );
  rows.splice(2, 0, rowOf({ name: 'ceiling: dot + add', unit: 'per cycle' }, [perCycle]));
  const invalid = `the ceiling loop reached ${rounded(perCycle)} dot + add per cycle, below ${LEAST_DOT_ADD_PER_CYCLE}`;
  return {
    suite: 'kernels',
    host: hostName(),
    cpu: cpuName(),
    ...(perCycle < LEAST_DOT_ADD_PER_CYCLE ? { invalid } : {}),
    rows,
  };
}
