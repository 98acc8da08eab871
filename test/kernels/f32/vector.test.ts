import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectSame, floats } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 67, 1021];
const f = Math.fround;

type Kernels = (typeof modules)[number]['kernels'];

/**
 * Runs `call` with the inputs and one output on both modules, and once with the output in place of the first input;
 * all must equal `want`, f32 step by step.
 */
function checkMap(
  context: string,
  inputs: Float32Array<ArrayBuffer>[],
  want: Float32Array<ArrayBuffer>,
  call: (kernels: Kernels, inputs: number[], y: number) => void,
): void {
  for (const { name, kernels } of modules) {
    guarded.reset();
    const pointers = inputs.map((x) => guarded.input(x).pointer);
    const y = guarded.output(want);
    call(kernels, pointers, y.pointer);
    guarded.check();
    expectSame(y.read(), want, `${context} ${name}`);
    for (let i = 0; i < inputs.length; i++) {
      guarded.reset();
      const regions = inputs.map((x, j) => (j === i ? guarded.inout(x) : guarded.input(x)));
      call(
        kernels,
        regions.map((r) => r.pointer),
        regions[i]!.pointer,
      );
      guarded.check();
      expectSame(regions[i]!.read(), want, `${context} ${name} in place of input ${i}`);
    }
  }
}

describe('elementwise kernels equal their f32 steps, also in place', () => {
  test.each(sizes)('n %i', (n) => {
    const rng = new Rng(n + 1);
    const a = floats(rng, n, 3);
    const b = floats(rng, n, 3);
    checkMap(
      'f32_vadd',
      [a, b],
      a.map((v, i) => v + b[i]!),
      (k, [x, y], out) => k.f32_vadd(n, x!, y!, out),
    );
    const s = f(rng.uniform());
    checkMap(
      'f32_vscale',
      [a],
      a.map((v) => v * s),
      (k, [x], out) => k.f32_vscale(n, x!, s, out),
    );
    // Of eight elements about three are dropped; test/ops/dropout.test.ts has the equation of the hash.
    const kept = (i: number) => {
      let h = (Math.imul(i, 0x9e3779b9) - 77) >>> 0;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      return (h ^ (h >>> 16)) >>> 0 >= 0x60000000;
    };
    checkMap(
      'f32_dropout',
      [a],
      a.map((v, i) => (kept(i) ? v * s : 0)),
      (k, [x], out) => k.f32_dropout(n, -77, 0x60000000, s, x!, out),
    );
  });
});

describe('f32_vclamp', () => {
  const ranges = [
    [0, Infinity],
    [0, 6],
    [-1, 1],
    [-Infinity, 0.5],
  ] as const;
  const special = Float32Array.of(NaN, -0, 0, 6, -1, 1, Infinity, -Infinity, 1e-40, -1e-40, 0.5);

  test.each(ranges)('to [%f, %f], and its gradient', (lo, hi) => {
    for (const n of sizes) {
      const rng = new Rng(n + 7);
      const x = floats(rng, n, 8);
      x.set(special.subarray(0, Math.min(n, special.length)));
      const y = x.map((v) => (v < lo ? lo : v > hi ? hi : v));
      checkMap(`f32_vclamp n ${n}`, [x], y, (k, [p], out) => k.f32_vclamp(n, p!, out, lo, hi));
      const dy = floats(rng, n);
      const dx = dy.map((g, i) => (y[i]! > lo && y[i]! < hi ? g : 0));
      checkMap(`f32_vclamp_backward n ${n}`, [y, dy], dx, (k, [p, q], out) =>
        k.f32_vclamp_backward(n, p!, q!, out, lo, hi),
      );
    }
  });

  test('the gradient is the central difference away from the kinks', () => {
    const x = Float32Array.of(-2, -0.5, 0.25, 3, 5.5, 7);
    const relu6 = (v: number) => Math.min(Math.max(v, 0), 6);
    const h = 1e-3;
    const slopes = [...x].map((v) => (relu6(v + h) - relu6(v - h)) / (2 * h));
    const { kernels } = modules[0]!;
    guarded.reset();
    const y = guarded.input(x.map(relu6));
    const dy = guarded.input(new Float32Array(6).fill(1));
    const dx = guarded.output(x);
    kernels.f32_vclamp_backward(6, y.pointer, dy.pointer, dx.pointer, 0, 6);
    expect([...dx.read()]).toEqual(slopes.map(Math.round));
  });
});

describe('f32_count_nonfinite', () => {
  const run = (x: Float32Array<ArrayBuffer>, before: number) =>
    modules.map(({ kernels }) => {
      guarded.reset();
      const count = guarded.inout(Int32Array.of(before));
      kernels.f32_count_nonfinite(x.length, guarded.input(x).pointer, count.pointer);
      guarded.check();
      return count.read()[0];
    });

  test('adds the number of NaN and infinities, wherever they are', () => {
    for (const n of sizes) {
      const rng = new Rng(n + 3);
      for (const share of [0, 0.1, 0.5, 1]) {
        const bad = [NaN, Infinity, -Infinity];
        const x = floats(rng, n).map((v) => (rng.uniform() < share ? bad[rng.below(3)]! : v));
        const want = x.reduce((sum, v) => sum + (Number.isFinite(v) ? 0 : 1), 7);
        expect(run(x, 7)).toEqual([want, want]);
      }
    }
  });

  test('knows the ends of the finite numbers', () => {
    const x = new Float32Array(6);
    const bits = [0x7f7fffff, 0xff7fffff, 1, 0x80000001, 0x7f800001, 0xffffffff];
    new Uint32Array(x.buffer).set(bits);
    expect(run(x, 0)).toEqual([2, 2]);
  });
});

describe('f32_min_max', () => {
  const run = (x: Float32Array<ArrayBuffer>) =>
    modules.map(({ kernels }) => {
      guarded.reset();
      const out = guarded.output(new Float32Array(2));
      kernels.f32_min_max(x.length, guarded.input(x).pointer, out.pointer);
      guarded.check();
      return [...out.read()];
    });

  test('finds both ends at every position', () => {
    for (const n of sizes.slice(1)) {
      for (let at = 0; at < n; at += Math.max(1, n >> 5)) {
        const x = floats(new Rng(n), n);
        x[at] = -5;
        x[(at + (n >> 1)) % n] = n > 1 ? 9 : -5;
        for (const out of run(x)) expect(out).toEqual([n > 1 ? -5 : -5, n > 1 ? 9 : -5]);
      }
    }
  });

  test('passes over NaN, and a zero is +0', () => {
    for (const out of run(Float32Array.of(NaN, 2, NaN, -3, NaN, NaN, NaN, 1, NaN)))
      expect(out).toEqual([-3, 2]);
    for (const out of run(Float32Array.of(-0, -0, -0, -0, -0, -0, -0, -0, -0)))
      expect(out).toEqual([0, 0]);
  });
});
