import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  fakequantGradient,
  fakequantize,
  lsqGradient,
  roundedLimits,
  rte,
} from '../../reference/f32/fakequant.ts';
import { expectClose, expectSame, floats, ULP } from '../f32/compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const f = Math.fround;

/** [outer, channels, inner] */
const shapes: (readonly [number, number, number])[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 67, 131, 1153].map((inner) => [1, 3, inner] as const),
  ...[1, 3, 4, 5, 7, 8, 9, 17].map((channels) => [9, channels, 1] as const),
  [3, 5, 6],
  [2, 4, 70],
];
const ranges = [
  [-127, 127],
  [-128, 127],
  [-8, 7],
  [-2, 1],
] as const;

function setup(shape: readonly [number, number, number], qmin: number, qmax: number) {
  const [outer, channels, inner] = shape;
  const n = outer * channels * inner;
  const rng = new Rng(n + qmax);
  const scale = floats(rng, channels).map((s) => 0.05 + Math.abs(s));
  const channelOf = (i: number) => Math.floor(i / inner) % channels;
  const special = [qmin, qmax, qmin - 0.5, qmax + 0.5, 0, -0, 1e8, -1e8, 1e-40];
  const w = Float32Array.from({ length: n }, (_, i) => {
    const s = scale[channelOf(i)]!;
    const kind = rng.below(8);
    if (kind === 0) return special[rng.below(special.length)]! * s;
    const v = (2 * rng.uniform() - 1) * (qmax + 2);
    return (kind === 1 ? Math.round(v) + 0.5 : v) * s;
  });
  return { outer, channels, inner, n, scale, channelOf, w, dwq: floats(rng, n) };
}

/** Straight through what is rounded into the range. */
function roundedGradient(qmin: number, qmax: number, scale: number, w: number, dwq: number) {
  const params = { scale, inverseScale: f(1 / scale), zeroPoint: 0, qmin, qmax };
  return fakequantGradient(params, w, dwq);
}

describe.each(ranges)('weights in [%i, %i]', (qmin, qmax) => {
  test.each(shapes)('f32_qc8w_quantize, shape %i %i %i', (...shape) => {
    const { outer, channels, inner, n, scale, channelOf, w } = setup(shape, qmin, qmax);
    const want = Array.from(w, (v, i) => {
      const s = scale[channelOf(i)]!;
      return fakequantize({ scale: s, inverseScale: f(1 / s), zeroPoint: 0, qmin, qmax }, v);
    });
    const run = (
      kernels: (typeof modules)[number]['kernels'],
      x: number,
      q: number,
      wq: number,
    ) => {
      const s = guarded.input(scale).pointer;
      kernels.f32_qc8w_quantize(outer, channels, inner, x, s, qmin, qmax, q, wq);
      guarded.check();
    };
    const integers = want.map((r) => r.q);
    const values = want.map((r) => r.value);
    for (const { name, kernels } of modules) {
      guarded.reset();
      const x = guarded.input(w).pointer;
      const [q, wq] = [guarded.output(new Int8Array(n)), guarded.output(w)];
      const [onlyQ, onlyWq] = [guarded.output(new Int8Array(n)), guarded.output(w)];
      const inPlace = guarded.inout(w);
      run(kernels, x, q.pointer, wq.pointer);
      run(kernels, x, onlyQ.pointer, 0);
      run(kernels, x, 0, onlyWq.pointer);
      run(kernels, inPlace.pointer, 0, inPlace.pointer);
      for (const got of [q, onlyQ]) expectSame(got.read(), integers, `q ${name}`);
      for (const got of [wq, onlyWq, inPlace]) expectSame(got.read(), values, `wq ${name}`);
    }
  });

  /** As the paper has it, and what is rounded into the range. */
  const limits = [
    { name: 'up to the ends', lo: qmin, hi: qmax, gradient: lsqGradient },
    { name: 'half an integer further', ...roundedLimits(qmin, qmax), gradient: roundedGradient },
  ];
  const cases = limits.flatMap((limit) => shapes.map((shape) => ({ ...limit, shape })));

  test.each(cases)('f32_qc8w_lsq_backward, shape $shape, $name', ({ lo, hi, gradient, shape }) => {
    const { outer, channels, inner, scale, channelOf, w, dwq } = setup(shape, qmin, qmax);
    const want = Array.from(w, (v, i) => gradient(qmin, qmax, scale[channelOf(i)]!, v, dwq[i]!));
    const dscale = new Float64Array(channels);
    const size = new Float64Array(channels);
    want.forEach((g, i) => {
      const c = channelOf(i);
      dscale[c] = dscale[c]! + g.dscale;
      size[c] = size[c]! + g.size;
    });
    for (const { name, kernels } of modules) {
      for (const inPlace of [false, true]) {
        guarded.reset();
        const [px, ps] = [guarded.input(w).pointer, guarded.input(scale).pointer];
        const g = inPlace ? guarded.inout(dwq) : guarded.input(dwq);
        const dw = inPlace ? g : guarded.output(w);
        const ds = guarded.output(scale);
        const args = [px, ps, qmin, qmax, g.pointer, dw.pointer, ds.pointer, lo, hi] as const;
        kernels.f32_qc8w_lsq_backward(outer, channels, inner, ...args);
        guarded.check();
        const context = `${name} in place ${inPlace}`;
        expectSame(
          dw.read(),
          want.map((r) => r.dx),
          `dw ${context}`,
        );
        // Sums of four terms in f32 and the result rounded to f32 (quantization.md §7).
        expectClose(ds.read(), dscale, (c) => 32 * ULP * size[c]!, `dscale ${context}`);
      }
    }
  });

  test.each(shapes)('f32_ewgs equals its f32 steps, shape %i %i %i', (...shape) => {
    const { outer, channels, inner, scale, channelOf, w, dwq } = setup(shape, qmin, qmax);
    const factor = f(0.37);
    const want = w.map((x, i) => {
      const v = f(x * f(1 / scale[channelOf(i)]!));
      // Beyond 2²² the kernel is only asked for zeros.
      if (Math.abs(v) > 2 ** 21) dwq[i] = 0;
      const share = f(factor * f(v - rte(v)));
      return dwq[i] === 0 ? 0 : f(dwq[i]! + f(Math.abs(dwq[i]!) * share));
    });
    for (const { name, kernels } of modules) {
      guarded.reset();
      const [x, s] = [guarded.input(w).pointer, guarded.input(scale).pointer];
      const dx = guarded.inout(dwq);
      kernels.f32_ewgs(outer, channels, inner, x, s, dx.pointer, factor);
      guarded.check();
      expectSame(dx.read(), want, name);
    }
  });
});
