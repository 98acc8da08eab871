import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import type { PoolParams } from '../../reference/f32/params.ts';
import { windows } from '../../reference/f32/pool.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

interface PoolCase {
  readonly name: string;
  readonly size: readonly [number, number];
  readonly channels: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** top, bottom, left, right */
  readonly pad?: readonly [number, number, number, number];
}

const cases: PoolCase[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 17].map(
    (channels): PoolCase => ({
      name: `2x2 channels ${channels}`,
      size: [4, 6],
      channels,
      kernel: [2, 2],
      stride: [2, 2],
    }),
  ),
  {
    name: '3x3 overlapping, padded',
    size: [7, 8],
    channels: 6,
    kernel: [3, 3],
    stride: [2, 2],
    pad: [1, 1, 1, 1],
  },
  {
    name: '3x3 stride 1, same',
    size: [5, 5],
    channels: 8,
    kernel: [3, 3],
    stride: [1, 1],
    pad: [1, 1, 1, 1],
  },
  {
    name: 'padding at the end',
    size: [6, 6],
    channels: 5,
    kernel: [3, 3],
    stride: [2, 2],
    pad: [0, 1, 0, 1],
  },
  ...[5, 16, 22, 71].flatMap((channels): PoolCase[] => [
    {
      name: `2x2 with the odd pixel at the end, channels ${channels}`,
      size: [5, 7],
      channels,
      kernel: [2, 2],
      stride: [2, 2],
      pad: [0, 1, 0, 1],
    },
    {
      name: `2x2 and a rest, channels ${channels}`,
      size: [5, 7],
      channels,
      kernel: [2, 2],
      stride: [2, 2],
    },
    {
      name: `3x3 side by side, channels ${channels}`,
      size: [6, 9],
      channels,
      kernel: [3, 3],
      stride: [3, 3],
    },
    { name: `1x2, channels ${channels}`, size: [1, 8], channels, kernel: [1, 2], stride: [2, 2] },
    {
      name: `global, channels ${channels}`,
      size: [4, 3],
      channels,
      kernel: [4, 3],
      stride: [1, 1],
    },
  ]),
  { name: 'global', size: [7, 7], channels: 13, kernel: [7, 7], stride: [1, 1] },
  { name: 'stride beyond the kernel', size: [9, 10], channels: 4, kernel: [2, 1], stride: [3, 4] },
];

function paramsOf({ size, channels, kernel, stride, pad = [0, 0, 0, 0] }: PoolCase): PoolParams {
  const outputs = (axis: 0 | 1) =>
    Math.floor((size[axis] + pad[2 * axis]! + pad[2 * axis + 1]! - kernel[axis]) / stride[axis]) +
    1;
  return {
    ...{
      inHeight: size[0],
      inWidth: size[1],
      channels,
      outHeight: outputs(0),
      outWidth: outputs(1),
    },
    ...{
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideHeight: stride[0],
      strideWidth: stride[1],
    },
    ...{ padTop: pad[0], padLeft: pad[2], inZeroPoint: 0, outZeroPoint: 0, qmin: 0, qmax: 0 },
    ...{ multiplier: 0, multiplierStride: 0 },
  };
}

function setup(c: PoolCase, seed: number) {
  const rng = new Rng(seed);
  const p = paramsOf(c);
  const batch = 2;
  // Few distinct values, so that windows have ties.
  const x8 = Int8Array.from(
    { length: batch * p.inHeight * p.inWidth * p.channels },
    () => rng.below(7) - 3,
  );
  const outputs = batch * p.outHeight * p.outWidth * p.channels;
  return { p, batch, x8, x: Float32Array.from(x8), dy: floats(rng, outputs), rng };
}

function checkMax(c: PoolCase, seed: number): void {
  const { p, batch, x8, x, dy } = setup(c, seed);
  const y = new Float32Array(dy.length);
  const dx = new Float64Array(x.length);
  const size = new Float64Array(x.length);
  windows(p, batch, (out, inputs) => {
    y[out] = Math.max(...inputs.map((i) => x[i]!));
    const hit = inputs.find((i) => x[i] === y[out])!;
    dx[hit] = dx[hit]! + dy[out]!;
    size[hit] = size[hit]! + Math.abs(dy[out]!);
  });
  const overlaps = p.kernelHeight * p.kernelWidth;
  const context = `${JSON.stringify(c)} seed ${seed}`;
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('PoolParams', p).pointer;
    const [px, px8] = [guarded.input(x).pointer, guarded.input(x8).pointer];
    const [pdy, py8] = [guarded.input(dy).pointer, guarded.input(Int8Array.from(y)).pointer];
    const [out, grad, grad8] = [guarded.output(y), guarded.output(x), guarded.output(x)];
    kernels.f32_maxpool2d(params, batch, px, out.pointer);
    expectSame(out.read(), y, `f32_maxpool2d ${name} ${context}`);
    kernels.f32_maxpool2d_backward(params, batch, px, out.pointer, pdy, grad.pointer);
    kernels.qs8_maxpool2d_backward(params, batch, px8, py8, pdy, grad8.pointer);
    guarded.check();
    const tolerance = (i: number) => overlaps * ULP * size[i]!;
    expectClose(grad.read(), dx, tolerance, `f32_maxpool2d_backward ${name} ${context}`);
    expectSame(grad8.read(), grad.read(), `qs8_maxpool2d_backward ${name} ${context}`);
    return grad.read();
  });
  expectSame(results[0]!, results[1]!, `backward simd128 against scalar ${context}`);
}

function checkAverage(c: PoolCase, seed: number): void {
  const { p, batch, dy, rng } = setup(c, seed);
  const x = floats(rng, batch * p.inHeight * p.inWidth * p.channels);
  const y = new Float64Array(dy.length);
  const ySize = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dxSize = new Float64Array(x.length);
  windows(p, batch, (out, inputs) => {
    for (const i of inputs) {
      y[out] = y[out]! + x[i]! / inputs.length;
      ySize[out] = ySize[out]! + Math.abs(x[i]!) / inputs.length;
      dx[i] = dx[i]! + dy[out]! / inputs.length;
      dxSize[i] = dxSize[i]! + Math.abs(dy[out]!) / inputs.length;
    }
  });
  // Sums of a row, of the rows, and one division; backward one division and a sum for each window.
  const forward = p.kernelHeight + p.kernelWidth + 1;
  const backward = p.kernelHeight * p.kernelWidth + 1;
  const context = `${JSON.stringify(c)} seed ${seed}`;
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('PoolParams', p).pointer;
    const [px, pdy] = [guarded.input(x).pointer, guarded.input(dy).pointer];
    const [out, grad] = [guarded.output(dy), guarded.output(x)];
    kernels.f32_avgpool2d(params, batch, px, out.pointer);
    kernels.f32_avgpool2d_backward(params, batch, pdy, grad.pointer);
    guarded.check();
    expectClose(
      out.read(),
      y,
      (i) => forward * ULP * ySize[i]!,
      `f32_avgpool2d ${name} ${context}`,
    );
    expectClose(
      grad.read(),
      dx,
      (i) => backward * ULP * dxSize[i]!,
      `f32_avgpool2d_backward ${name} ${context}`,
    );
    return [out.read(), grad.read()];
  });
  results[0]!.forEach((r, i) => {
    expectSame(r, results[1]![i]!, `average simd128 against scalar ${context}`);
  });
}

describe('pooling and its gradients equal the windows of the reference and their twins', () => {
  test.each(cases)('$name', (c) => {
    checkMax(c, 3);
    checkAverage(c, 3);
  });

  test('100 random geometries', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const rng = new Rng(seed);
      const kernel = [1 + rng.below(4), 1 + rng.below(4)] as const;
      // A padding below the kernel leaves no window empty.
      const pad = [
        rng.below(kernel[0]),
        rng.below(kernel[0]),
        rng.below(kernel[1]),
        rng.below(kernel[1]),
      ] as const;
      const size = [kernel[0] + rng.below(6), kernel[1] + rng.below(6)] as const;
      const stride = [1 + rng.below(3), 1 + rng.below(3)] as const;
      const c = { name: 'random', size, channels: 1 + rng.below(10), kernel, stride, pad };
      checkMax(c, seed);
      checkAverage(c, seed);
    }
  });
});
