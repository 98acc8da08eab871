import { describe, test } from 'vitest';
import {
  F32_WINOGRAD_GRADIENT_TILES,
  f32WinogradGradientScratchBytes,
  f32WinogradScratchBytes,
  packedF32Bytes,
  winogradWeightsBytes,
} from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { backwards } from '../../../src/ops/winogradF32.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  dense,
  inputGradient,
  type Operands,
  output,
  weightGradient,
} from '../../reference/f32/conv2d.ts';
import { outputSizes, tiles4x4, weightGradientSizes } from '../../reference/f32/winograd.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';
import { type ConvCase, paramsOf } from './geometry.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

const k3 = { kernel: [3, 3], pad: [1, 1, 1, 1] } as const;
const cases: ConvCase[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 13].map((ci) => ({ name: `ci ${ci}`, ci, co: 8, ...k3 })),
  ...[1, 2, 3, 4, 5, 7, 9, 17].map((co) => ({ name: `co ${co}`, ci: 8, co, ...k3 })),
  ...[1, 2, 3, 4, 5, 8, 9].map((w) => ({
    name: `columns ${w}`,
    ...{ ci: 4, co: 4, size: [3, w] as const, ...k3 },
  })),
  { name: 'more than a block of tiles', ci: 3, co: 5, batch: 5, size: [9, 11], ...k3 },
  { name: 'no padding', ci: 8, co: 8, kernel: [3, 3], size: [8, 10] },
  { name: 'full padding', ci: 5, co: 6, kernel: [3, 3], pad: [2, 2, 2, 2], size: [4, 6] },
  { name: 'asymmetric padding', ci: 5, co: 6, kernel: [3, 3], pad: [0, 2, 2, 1], size: [7, 6] },
  { name: 'gaps', ci: 5, co: 6, gap: [3, 5], ...k3, size: [8, 9] },
];

/**
 * Roundings on the way of a term: a line of Bᵀ or A has at most 4 and one of G 5 (constants are rounded too), those of Aᵀ and
 * Gᵀ 5, each passed twice; then the product, and the bias or the sum that dw starts from.
 */
const ROUNDINGS = 2 * (4 + 5 + 5) + 2;

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
  const size = outputSizes(tiles4x4, p, batch, operands);
  const panels = Math.ceil(n / 8);
  for (const withBias of [false, true]) {
    const results = modules.map(({ name, kernels }) => {
      guarded.reset();
      const params = guarded.params('ConvParams', p).pointer;
      const [w, x] = [guarded.input(operands.w).pointer, guarded.input(operands.x).pointer];
      const packed = guarded.scratch(packedF32Bytes(n, 9 * c)).pointer;
      const u = guarded.scratch(winogradWeightsBytes(panels, c)).pointer;
      const b = withBias ? guarded.input(bias).pointer : 0;
      const y = guarded.output(operands.dy);
      const scratch = guarded.scratch(f32WinogradScratchBytes(c)).pointer;
      kernels.f32_pack_weights(n, 9 * c, w, packed);
      kernels.f32_pack_winograd_weights(panels, c, packed, 9 * c * 32, 32, c * 32, u);
      kernels.f32_winograd2d(params, batch, x, u, b, y.pointer, scratch);
      guarded.check();
      const got = pixelsOf(y.read(), p.outStride, n);
      const start = (i: number) => (withBias ? bias[i % n]! : 0);
      expectClose(
        got,
        want.map((v, i) => v + start(i)),
        (i) => 1.01 * (c + ROUNDINGS) * ULP * (size[i]! + Math.abs(start(i))),
        `${context} ${name}`,
      );
      return got;
    });
    expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
  }
}

/** w [Co,3,3,Ci] as the backward convolution sees it: [Ci,3,3,Co], the window turned. */
function turned({ p, w }: Setup): Float32Array {
  const [n, c] = [p.outChannels, p.inChannels];
  const out = new Float32Array(w.length);
  for (let o = 0; o < n; o++)
    for (let tap = 0; tap < 9; tap++)
      for (let i = 0; i < c; i++) out[(i * 9 + 8 - tap) * n + o] = w[(o * 9 + tap) * c + i]!;
  return out;
}

function checkInputGradient(s: Setup, context: string): void {
  const { p, batch, w, x, dy } = s;
  const [n, c] = [p.outChannels, p.inChannels];
  const want = dropGaps(inputGradient(dense, p, batch, s).value, p.inStride, c);
  const back = backwards(p);
  const operands: Operands = { x: dy, w: turned(s), dy: x };
  const size = outputSizes(tiles4x4, back, batch, operands);
  const panels = Math.ceil(c / 8);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', back).pointer;
    const lastTap = guarded.input(w).pointer + 8 * c * 4;
    const u = guarded.scratch(winogradWeightsBytes(panels, n)).pointer;
    const gradient = guarded.input(dy).pointer;
    const dx = guarded.output(x);
    const scratch = guarded.scratch(f32WinogradScratchBytes(n)).pointer;
    kernels.f32_pack_winograd_weights(panels, n, lastTap, 32, 9 * c * 4, -c * 4, u);
    kernels.f32_winograd2d(params, batch, gradient, u, 0, dx.pointer, scratch);
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
  const size = weightGradientSizes(tiles4x4, p, batch, s);
  const tiles = batch * Math.ceil(p.outHeight / 4) * Math.ceil(p.outWidth / 4);
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const params = guarded.params('ConvParams', p).pointer;
    const [dy, x] = [guarded.input(s.dy).pointer, guarded.input(s.x).pointer];
    const dw = guarded.inout(start);
    const bytes = f32WinogradGradientScratchBytes(p.outChannels, p.inChannels);
    const scratch = guarded.scratch(bytes).pointer;
    kernels.f32_winograd2d_weight_gradient(params, batch, dy, x, dw.pointer, scratch);
    guarded.check();
    // The sums of a block of tiles, then one sum a block.
    const blocks = Math.ceil(tiles / F32_WINOGRAD_GRADIENT_TILES);
    const steps = Math.min(tiles, F32_WINOGRAD_GRADIENT_TILES) + blocks + ROUNDINGS;
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

describe('f32_winograd2d and its gradients equal the float64 sums and their twins', () => {
  test.each(cases)('$name', (c) => {
    const s = setup(c, 11);
    const context = (what: string) => `${what} ${JSON.stringify(c)} seed 11`;
    checkForward(s, context('f32_winograd2d'));
    checkInputGradient(s, context('f32_winograd2d backwards'));
    checkWeightGradient(s, context('f32_winograd2d_weight_gradient'));
  });

  test('60 random geometries', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const rng = new Rng(seed);
      const below = (n: number) => 1 + rng.below(n);
      const c: ConvCase = {
        ...{ name: 'random', ci: below(13), co: below(13), batch: below(3) },
        ...{ kernel: [3, 3], size: [2 + below(9), 2 + below(9)] },
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
