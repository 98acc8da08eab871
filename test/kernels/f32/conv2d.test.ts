import { describe, expect, test } from 'vitest';
import {
  F32_GRADIENT_PIXELS,
  f32Conv2dScratchBytes,
  f32InputGradientScratchBytes,
  f32WeightGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { dense, inputGradient, output, weightGradient } from '../../reference/f32/conv2d.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';
import { type ConvCase, paramsOf, randomCase } from './geometry.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

const k3 = { kernel: [3, 3], pad: [1, 1, 1, 1] } as const;
const cases: ConvCase[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 13, 16].map((ci) => ({ name: `pointwise ci ${ci}`, ci, co: 8 })),
  ...[1, 2, 3, 4, 5, 7, 8, 9, 11, 17].map((co) => ({ name: `pointwise co ${co}`, ci: 8, co })),
  ...[1, 3, 4, 5, 7].map((w) => ({ name: `pixels ${w}`, ci: 5, co: 9, size: [1, w] as const })),
  ...[1, 2, 3, 4, 8].map((ci) => ({ name: `3x3 same ci ${ci}`, ci, co: 9, ...k3 })),
  ...[1, 2, 3, 4].map((ci) => ({ name: `3x3 ci ${ci} co 16`, ci, co: 16, size: [9, 8], ...k3 })),
  { name: '3 taps', ci: 3, co: 8, stride: [1, 2] },
  { name: 'more than 128 taps', ci: 15, co: 8, ...k3 },
  { name: 'dense layer', ci: 700, co: 19, batch: 35, size: [1, 1] },
  { name: 'more than a block of pixels', ci: 3, co: 5, batch: 3, size: [7, 11], ...k3 },
  { name: 'strip edge k 65', ci: 65, co: 5 },
  { name: 'strip edge k 72', ci: 8, co: 4, ...k3 },
  { name: 'stride 2', ci: 8, co: 8, ...k3, stride: [2, 2] },
  { name: 'pointwise stride 2', ci: 8, co: 8, stride: [2, 2] },
  { name: 'pointwise gaps', ci: 8, co: 8, gap: [8, 16] },
  { name: 'gaps', ci: 4, co: 8, gap: [3, 1], ...k3 },
  { name: 'asymmetric padding', ci: 3, co: 8, kernel: [3, 2], pad: [0, 1, 1, 0], stride: [2, 1] },
  {
    name: 'dilation',
    ci: 5,
    co: 6,
    kernel: [3, 3],
    dilation: [2, 3],
    size: [9, 9],
    pad: [2, 1, 3, 2],
  },
  {
    name: 'kernel larger than the image',
    ci: 2,
    co: 3,
    kernel: [5, 5],
    size: [2, 3],
    pad: [4, 4, 4, 4],
  },
  {
    name: 'padding beyond the kernel',
    ci: 2,
    co: 3,
    kernel: [2, 2],
    size: [2, 2],
    pad: [3, 3, 3, 3],
  },
];

function operandsOf(c: ConvCase, rng: Rng) {
  const p = paramsOf(c);
  const batch = c.batch ?? 2;
  const k = p.kernelHeight * p.kernelWidth * p.inChannels;
  const x = floats(rng, batch * p.inHeight * p.inWidth * p.inStride);
  const w = floats(rng, p.outChannels * k);
  const dy = floats(rng, batch * p.outHeight * p.outWidth * p.outStride);
  const bias = floats(rng, p.outChannels);
  const start = floats(rng, w.length);
  return { p, batch, k, n: p.outChannels, x, w, dy, bias, start };
}

type Setup = ReturnType<typeof operandsOf>;

/** The value that 0x77 bytes spell: what the kernel must leave between the channels of two pixels. */
const UNTOUCHED = new Float32Array(new Uint8Array([0x77, 0x77, 0x77, 0x77]).buffer)[0]!;

function pixelsOf(y: Float32Array, stride: number, channels: number): Float32Array {
  y.forEach((v, i) => {
    if (i % stride >= channels && v !== UNTOUCHED) throw new Error(`gap written at ${i}`);
  });
  return y.filter((_, i) => i % stride < channels);
}

const dropGaps = (y: Float64Array, stride: number, channels: number) =>
  y.filter((_, i) => i % stride < channels);

function checkForward(s: Setup, withBias: boolean, context: string): void {
  const { p, n, k } = s;
  const want = output(dense, p, s.batch, s);
  const value = dropGaps(want.value, p.outStride, n);
  const size = dropGaps(want.size, p.outStride, n);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p);
    const w = guarded.input(s.w);
    const packed = guarded.scratch(packedF32Bytes(n, k));
    const x = guarded.input(s.x);
    const bias = withBias ? guarded.input(s.bias).pointer : 0;
    const y = guarded.output(s.dy);
    const scratch = guarded.scratch(f32Conv2dScratchBytes(k));
    kernels.f32_pack_weights(n, k, w.pointer, packed.pointer);
    kernels.f32_conv2d(
      params.pointer,
      s.batch,
      x.pointer,
      packed.pointer,
      bias,
      y.pointer,
      scratch.pointer,
    );
    guarded.check();
    const got = pixelsOf(y.read(), p.outStride, n);
    const b = (i: number) => (withBias ? s.bias[i % n]! : 0);
    // k products and k sums, each rounded once; the bias takes part in all sums.
    expectClose(
      got,
      value.map((v, i) => v + b(i)),
      (i) => 1.01 * (k + 1) * ULP * (size[i]! + Math.abs(b(i))),
      `${context} ${name}`,
    );
    return got;
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

function checkInputGradient(s: Setup, context: string): void {
  const { p, n, k } = s;
  const want = inputGradient(dense, p, s.batch, s);
  const value = dropGaps(want.value, p.inStride, p.inChannels);
  const size = dropGaps(want.size, p.inStride, p.inChannels);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p);
    const w = guarded.input(s.w);
    const packed = guarded.scratch(packedTransposedF32Bytes(n, k));
    const dy = guarded.input(s.dy);
    const dx = guarded.output(s.x);
    const scratch = guarded.scratch(f32InputGradientScratchBytes(k));
    kernels.f32_pack_weights_transposed(n, k, w.pointer, packed.pointer);
    kernels.f32_conv2d_input_gradient(
      ...([
        params.pointer,
        s.batch,
        dy.pointer,
        packed.pointer,
        dx.pointer,
        scratch.pointer,
      ] as const),
    );
    guarded.check();
    const got = pixelsOf(dx.read(), p.inStride, p.inChannels);
    // n products and sums of a patch gradient, then one sum a tap.
    const steps = n + p.kernelHeight * p.kernelWidth + 1;
    expectClose(got, value, (i) => 1.01 * steps * ULP * size[i]!, `${context} ${name}`);
    return got;
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

function checkWeightGradient(s: Setup, context: string): void {
  const { p, k } = s;
  const want = weightGradient(dense, p, s.batch, s);
  const pixels = s.batch * p.outHeight * p.outWidth;
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p);
    const dy = guarded.input(s.dy);
    const x = guarded.input(s.x);
    const dw = guarded.inout(s.start);
    const scratch = guarded.scratch(f32WeightGradientScratchBytes(k));
    kernels.f32_conv2d_weight_gradient(
      ...([params.pointer, s.batch, dy.pointer, x.pointer, dw.pointer, scratch.pointer] as const),
    );
    guarded.check();
    // The products and sums of a block of pixels, then one sum a block.
    const steps = F32_GRADIENT_PIXELS + Math.ceil(pixels / F32_GRADIENT_PIXELS) + 1;
    expectClose(
      dw.read(),
      want.value.map((v, i) => v + s.start[i]!),
      (i) => 1.01 * steps * ULP * (want.size[i]! + Math.abs(s.start[i]!)),
      `${context} ${name}`,
    );
    return dw.read();
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

function checkAll(c: ConvCase, seed: number): void {
  const s = operandsOf(c, new Rng(seed));
  const context = (what: string) => `${what} ${JSON.stringify(c)} seed ${seed}`;
  checkForward(s, false, context('f32_conv2d'));
  checkForward(s, true, context('f32_conv2d with bias'));
  checkInputGradient(s, context('f32_conv2d_input_gradient'));
  checkWeightGradient(s, context('f32_conv2d_weight_gradient'));
}

describe('f32_conv2d and its gradients equal the float64 sums and their twins', () => {
  test.each(cases)('$name', (c) => checkAll(c, 11));

  test('200 random geometries', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const rng = new Rng(seed);
      checkAll(
        randomCase(rng, (r) => [1 + r.below(13), 1 + r.below(19)]),
        seed,
      );
    }
  });
});

test('packing puts w[n][k] at [n/8][k][n mod 8], transposed at [k/8][n][k mod 8], zeros elsewhere', () => {
  for (const [n, k] of [
    [1, 1],
    [8, 4],
    [9, 7],
    [16, 9],
    [5, 16],
    [23, 13],
  ] as const) {
    const w = Float32Array.from({ length: n * k }, (_, i) => i + 1);
    const plain = new Float32Array(Math.ceil(n / 8) * k * 8);
    const transposed = new Float32Array(Math.ceil(k / 8) * n * 8);
    w.forEach((v, i) => {
      const [o, j] = [Math.floor(i / k), i % k];
      plain[((o >> 3) * k + j) * 8 + (o & 7)] = v;
      transposed[((j >> 3) * n + o) * 8 + (j & 7)] = v;
    });
    for (const { kernels } of modules) {
      guarded.reset();
      const source = guarded.input(w);
      const a = guarded.output(plain);
      const b = guarded.output(transposed);
      kernels.f32_pack_weights(n, k, source.pointer, a.pointer);
      kernels.f32_pack_weights_transposed(n, k, source.pointer, b.pointer);
      guarded.check();
      expect([...a.read()]).toEqual([...plain]);
      expect([...b.read()]).toEqual([...transposed]);
    }
  }
});
