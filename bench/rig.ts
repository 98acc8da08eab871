import type { StructFields } from '../src/core/abi.ts';
import type { InferKernels, TrainKernels } from '../src/core/kernels.ts';
import type { Case } from './harness.ts';
import { Heap, load } from './memory.ts';

/** What the cases of a kernel are made with. */
export interface Rig {
  readonly heap: Heap;
  readonly kernels: InferKernels & TrainKernels;
}

export type KernelCase = Omit<Case, 'kernel'>;

/** The cases of one kernel; their shapes are those of real layers. */
export type Cases = (rig: Rig) => readonly KernelCase[];

export function createRig(): Rig {
  const heap = new Heap();
  const infer = load<InferKernels>('infer', heap.memory);
  const train = load<TrainKernels>('train', heap.memory);
  return { heap, kernels: { ...infer, ...train } };
}

/** Rates count multiply-accumulates, those with padding too. */
export function product(name: string, macs: number, run: () => void): KernelCase {
  return { name, unit: 'GMAC/s', giga: macs / 1e9, run };
}

/** Rates count the bytes of each operand once for reading it and once for writing it. */
export function stream(name: string, bytes: number, run: () => void): KernelCase {
  return { name, unit: 'GB/s', giga: bytes / 1e9, run };
}

/** Size of a square image, channels in and out, kernel and stride. */
export type ConvShape = readonly [
  size: number,
  inputs: number,
  outputs: number,
  kernel: number,
  stride: number,
];

export function convParams(
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

/** Windows of `kernel`², side by side, over a square image. */
export function poolParams(heap: Heap, kernel: number, size: number, channels: number): number {
  return heap.struct('PoolParams', {
    ...{ inHeight: size, inWidth: size, channels },
    ...{ outHeight: size / kernel, outWidth: size / kernel },
    ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: kernel, strideWidth: kernel },
    ...{ padTop: 0, padLeft: 0, inZeroPoint: 3, outZeroPoint: -3, qmin: -128, qmax: 127 },
    ...{ multiplier: heap.floats(1, () => 0.02), multiplierStride: 0 },
  });
}

export const convName = ([size, inputs, outputs, kernel, stride]: ConvShape): string =>
  `conv ${kernel}x${kernel}${stride === 1 ? '' : ` stride ${stride}`} ${size}²·${inputs}→${outputs}`;
