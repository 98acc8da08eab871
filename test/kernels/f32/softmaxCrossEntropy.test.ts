import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

/** −log softmax(x)[label] in float64. */
function lossOf(x: number[], label: number): number {
  const top = Math.max(...x);
  return Math.log(x.reduce((s, v) => s + Math.exp(v - top), 0)) + top - x[label]!;
}

function run(logits: Float32Array<ArrayBuffer>, labels: Int32Array<ArrayBuffer>, scale: number) {
  const rows = labels.length;
  const classes = logits.length / rows;
  return modules.map(({ name, kernels }) => {
    guarded.reset();
    const x = guarded.input(logits);
    const l = guarded.input(labels);
    const dx = guarded.output(logits);
    const losses = guarded.output(new Float32Array(rows));
    const args = [x.pointer, l.pointer, dx.pointer, losses.pointer] as const;
    kernels.f32_softmax_cross_entropy(rows, classes, ...args, scale);
    guarded.check();
    return { name, dx: dx.read(), losses: losses.read() };
  });
}

describe('f32_softmax_cross_entropy', () => {
  test.each([1, 2, 3, 4, 5, 7, 10, 33, 1000])('%i classes: loss, gradient and twin', (classes) => {
    for (const size of [0.1, 5, 80, 2000]) {
      const rng = new Rng(classes);
      const rows = 5;
      const logits = floats(rng, rows * classes, size);
      const labels = Int32Array.from({ length: rows }, () => rng.below(classes));
      const scale = Math.fround(1 / rows);
      const results = run(logits, labels, scale);
      for (const { name, dx, losses } of results) {
        const context = `${name} ${classes} classes, size ${size}`;
        const rowsOf = (r: number) => [...logits.subarray(r * classes, (r + 1) * classes)];
        const want = Array.from(labels, (label, r) => lossOf(rowsOf(r), label));
        // The f64 steps are exact to 1e-14 of the logits, the result is rounded to f32 once.
        expectClose(losses, want, (r) => ULP * want[r]! + 1e-13 * size, `losses ${context}`);
        const grads = Array.from(logits, (v, i) => {
          const r = Math.floor(i / classes);
          const x = rowsOf(r);
          const top = Math.max(...x);
          const sum = x.reduce((s, u) => s + Math.exp(u - top), 0);
          const hot = i % classes === labels[r] ? 1 : 0;
          return (Math.exp(v - top) / sum - hot) * scale;
        });
        // Two roundings; what underflows f32 is below 1e-44.
        expectClose(
          dx,
          grads,
          (i) => 2.01 * ULP * Math.abs(grads[i]!) + 1e-16,
          `dlogits ${context}`,
        );
      }
      expectSame(results[0]!.dx, results[1]!.dx, 'dlogits simd128 against scalar');
      expectSame(results[0]!.losses, results[1]!.losses, 'losses simd128 against scalar');
    }
  });

  test('the gradient is the central difference of the loss', () => {
    const logits = floats(new Rng(2), 7, 3);
    const h = 1e-5;
    const want = [...logits].map((_, i) => {
      const moved = (d: number) => [...logits].map((v, j) => (j === i ? v + d : v));
      return (lossOf(moved(h), 4) - lossOf(moved(-h), 4)) / (2 * h);
    });
    // The difference is exact to h² and 1e-16 / h.
    for (const { name, dx } of run(logits, Int32Array.of(4), 1))
      expectClose(dx, want, () => 1e-7, name);
  });

  test('e^x and log x have relative error < 2e-7 after rounding to f32', () => {
    // Two classes with logits 0 and x ≤ 0, label 0: dlogits[1] = e^x / (1 + e^x), loss = log(1 + e^x).
    for (let i = 0; i <= 4000; i++) {
      const x = Math.fround(-i / 47);
      const e = Math.exp(x);
      for (const { name, dx, losses } of run(Float32Array.of(0, x), Int32Array.of(0), 1)) {
        expect(Math.abs(dx[1]! / (e / (1 + e)) - 1), `${name} x ${x}`).toBeLessThan(2e-7);
        const loss = Math.log1p(e);
        expect(Math.abs(losses[0]! - loss), `${name} x ${x}`).toBeLessThan(2e-7 * loss + 1e-15);
      }
    }
  });

  test('NaN and infinite logits end as NaN, a −∞ logit has probability 0', () => {
    for (const bad of [NaN, Infinity])
      for (const { losses } of run(Float32Array.of(1, bad, 2), Int32Array.of(0), 1))
        expect(losses[0]).toBeNaN();
    for (const { dx, losses } of run(Float32Array.of(1, -Infinity, 1), Int32Array.of(0), 1)) {
      expect([...dx]).toEqual([-0.5, 0, 0.5]);
      expect(losses[0]).toBeCloseTo(Math.LN2, 6);
    }
  });
});
