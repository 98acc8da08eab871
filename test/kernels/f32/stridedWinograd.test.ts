import { describe, test } from 'vitest';
import {
  F32_STRIDED_WINOGRAD_TILES,
  f32StridedWinogradInputGradientScratchBytes,
  f32StridedWinogradScratchBytes,
  f32StridedWinogradWeightGradientScratchBytes,
  packedF32Bytes,
  stridedWinogradWeightsBytes,
} from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { dense, inputGradient, output, weightGradient } from '../../reference/f32/conv2d.ts';
import {
  inputGradientSizes,
  outputSizes,
  tiles2x2,
  weightGradientSizes,
} from '../../reference/f32/winograd.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';
import { type ConvCase, paramsOf } from './geometry.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

const k3 = { kernel: [3, 3], stride: [2, 2] } as const;
const same = { ...k3, pad: [0, 1, 0, 1] } as const;
const cases: ConvCase[] = [
  ...[8, 16, 24].map((ci) => ({ name: `ci ${ci}`, ci, co: 8, ...same })),
  ...[8, 16, 40].map((co) => ({ name: `co ${co}`, ci: 8, co, ...same })),
  ...[1, 2, 3, 4, 5, 8, 9, 10, 11].map((w) => ({
    name: `columns ${w}`,
    ...{ ci: 8, co: 8, size: [7, w] as const, kernel: [3, 3] as const, stride: [2, 2] as const },
    pad: [1, 1, 1, 1] as const,
  })),
  { name: 'more than a block of tiles', ci: 8, co: 8, batch: 5, size: [11, 13], ...same },
  { name: 'no padding', ci: 8, co: 8, size: [8, 11], ...k3 },
  { name: 'no padding, the last input unread', ci: 8, co: 8, size: [8, 10], ...k3 },
  { name: 'full padding', ci: 8, co: 8, ...k3, pad: [2, 2, 2, 2], size: [4, 6] },
  { name: 'asymmetric padding', ci: 8, co: 8, ...k3, pad: [0, 2, 2, 1], size: [7, 6] },
  { name: 'gaps', ci: 8, co: 16, gap: [3, 5], ...same, size: [8, 9] },
];

/**
 * Roundings on the way of a term: transforms of d and dy have one a direction, those of w one, sums of accumulators two, the
 * scatter of dx two; then the product, and the bias or the sum that dw or dx starts from. dx adds up to four tiles.
 */
const ROUNDINGS = 2 * (1 + 1 + 2) + 2 + 4;

const UNTOUCHED = new Float32Array(new Uint8Array([0x77, 0x77, 0x77, 0x77]).buffer)[0]!;

/** The channels of each pixel; what lies between them must be untouched. */
function pixelsOf(y: Float32Array, stride: number, channels: number): Float32Array {
  y.forEach((v, i) => {
    if (i % stride >= channels && v !== UNTOUCHED) throw new Error(`gap written at ${i}`);
  });
  return y.filter((_, i) => i % stride < channels);
}

const dropGaps = (y: Float64Array, stride: number, channels: number) =>
  y.filter((_, i) => i % stride < channels);

function setup(c: ConvCase, seed: number) {
  const rng = new Rng(seed);
  const p = paramsOf(c);
  const batch = c.batch ?? 2;
  const w = floats(rng, p.outChannels * 9 * p.inChannels);
  const x = floats(rng, batch * p.inHeight * p.inWidth * p.inStride);
  const dy = floats(rng, batch * p.outHeight * p.outWidth * p.outStride);
  const bias = floats(rng, p.outChannels);
  return { p, batch, w, x, dy, bias, start: floats(rng, w.length) };
}

type Setup = ReturnType<typeof setup>;

function checkForward({ p, batch, bias, ...operands }: Setup, context: string): void {
  const [n, c] = [p.outChannels, p.inChannels];
  const want = dropGaps(output(dense, p, batch, operands).value, p.outStride, n);
  const size = outputSizes(tiles2x2, p, batch, operands);
  for (const withBias of [false, true]) {
    const results = modules.map(({ name, kernels }) => {
      guarded.reset();
      const params = guarded.params('ConvParams', p).pointer;
      const [w, x] = [guarded.input(operands.w).pointer, guarded.input(operands.x).pointer];
      const packed = guarded.scratch(packedF32Bytes(n, 9 * c)).pointer;
      const u = guarded.scratch(stridedWinogradWeightsBytes(n / 8, c)).pointer;
      const b = withBias ? guarded.input(bias).pointer : 0;
      const y = guarded.output(operands.dy);
      const scratch = guarded.scratch(f32StridedWinogradScratchBytes(c)).pointer;
      kernels.f32_pack_weights(n, 9 * c, w, packed);
      kernels.f32_pack_strided_winograd_weights(n / 8, c, packed, 9 * c * 32, 32, c * 32, u);
      kernels.f32_strided_winograd2d(params, batch, x, u, b, y.pointer, scratch);
      guarded.check();
      const got = pixelsOf(y.read(), p.outStride, n);
      const start = (i: number) => (withBias ? bias[i % n]! : 0);
      // A corner's accumulator sums four times the channels.
      expectClose(
        got,
        want.map((v, i) => v + start(i)),
        (i) => 1.01 * (4 * c + ROUNDINGS) * ULP * (size[i]! + Math.abs(start(i))),
        `${context} ${name}`,
      );
      return got;
    });
    expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
  }
}

function checkInputGradient(s: Setup, context: string): void {
  const { p, batch, w, x, dy } = s;
  const [n, c] = [p.outChannels, p.inChannels];
  const want = dropGaps(inputGradient(dense, p, batch, s).value, p.inStride, c);
  const size = inputGradientSizes(tiles2x2, p, batch, s);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p).pointer;
    const u = guarded.scratch(stridedWinogradWeightsBytes(c / 8, n)).pointer;
    const weights = guarded.input(w).pointer;
    const gradient = guarded.input(dy).pointer;
    const dx = guarded.output(x);
    const scratch = guarded.scratch(f32StridedWinogradInputGradientScratchBytes(n)).pointer;
    kernels.f32_pack_strided_winograd_weights(c / 8, n, weights, 32, 9 * c * 4, c * 4, u);
    kernels.f32_strided_winograd2d_input_gradient(params, batch, gradient, u, dx.pointer, scratch);
    guarded.check();
    const got = pixelsOf(dx.read(), p.inStride, c);
    const tolerance = (i: number) => 1.01 * (n + ROUNDINGS) * ULP * size[i]!;
    expectClose(got, want, tolerance, `${context} ${name}`);
    return got;
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

function checkWeightGradient(s: Setup, context: string): void {
  const { p, batch, start } = s;
  const want = weightGradient(dense, p, batch, s).value;
  const size = weightGradientSizes(tiles2x2, p, batch, s);
  const tiles = batch * Math.ceil(p.outHeight / 2) * Math.ceil(p.outWidth / 2);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p).pointer;
    const [dy, x] = [guarded.input(s.dy).pointer, guarded.input(s.x).pointer];
    const dw = guarded.inout(start);
    const bytes = f32StridedWinogradWeightGradientScratchBytes(p.outChannels, p.inChannels);
    const scratch = guarded.scratch(bytes).pointer;
    kernels.f32_strided_winograd2d_weight_gradient(params, batch, dy, x, dw.pointer, scratch);
    guarded.check();
    // The sums of a block of tiles, then one sum a block.
    const blocks = Math.ceil(tiles / F32_STRIDED_WINOGRAD_TILES);
    const steps = Math.min(tiles, F32_STRIDED_WINOGRAD_TILES) + blocks + ROUNDINGS;
    expectClose(
      dw.read(),
      want.map((v, i) => v + start[i]!),
      (i) => 1.01 * steps * ULP * (size[i]! + Math.abs(start[i]!)),
      `${context} ${name}`,
    );
    return dw.read();
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

describe('f32_strided_winograd2d and its gradients equal the float64 sums and their twins', () => {
  test.each(cases)('$name', (c) => {
    const s = setup(c, 11);
    const context = (what: string) => `${what} ${JSON.stringify(c)} seed 11`;
    checkForward(s, context('f32_strided_winograd2d'));
    checkInputGradient(s, context('f32_strided_winograd2d_input_gradient'));
    checkWeightGradient(s, context('f32_strided_winograd2d_weight_gradient'));
  });

  test('40 random geometries', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const rng = new Rng(seed);
      const c: ConvCase = {
        ...{ name: 'random', ci: 8 + 8 * rng.below(2), co: 8 + 8 * rng.below(2) },
        ...{ ...k3, batch: 1 + rng.below(3), size: [3 + rng.below(9), 3 + rng.below(9)] },
        pad: [rng.below(3), rng.below(3), rng.below(3), rng.below(3)],
        gap: [rng.below(2) * 3, rng.below(2) * 5],
      };
      const s = setup(c, seed);
      const context = `${JSON.stringify(c)} seed ${seed}`;
      checkForward(s, context);
      checkInputGradient(s, context);
      checkWeightGradient(s, context);
    }
  });
});
