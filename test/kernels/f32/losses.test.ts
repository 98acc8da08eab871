import { describe, expect, test } from 'vitest';
import type { TrainKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 67, 1021];
const SCALE = Math.fround(0.3);
const DELTA = 0.5;

type Floats = Float32Array<ArrayBuffer>;
type Pointers = [x: number, y: number, dx: number, sums: number];

interface Elementwise {
  readonly name: string;
  /** f64 sums that the kernel writes. */
  readonly sums: number;
  /** Of an f32 difference, or of logit and target; in float64. */
  readonly loss: (x: number, y: number) => number;
  readonly call: (kernels: TrainKernels, n: number, ...pointers: Pointers) => void;
  /** Targets. */
  readonly y: (values: Floats) => Floats;
}

const same = (values: Floats) => values;

const kernels: Elementwise[] = [
  {
    name: 'f32_squared_error',
    sums: 2,
    loss: (x, y) => (x - y) ** 2,
    call: (k, n, ...p) => k.f32_squared_error(n, ...p, SCALE),
    y: same,
  },
  {
    name: 'f32_absolute_error',
    sums: 2,
    loss: (x, y) => Math.abs(x - y),
    call: (k, n, ...p) => k.f32_absolute_error(n, ...p, SCALE),
    y: same,
  },
  {
    name: 'f32_huber',
    sums: 2,
    loss: (x, y) => {
      const d = Math.abs(x - y);
      return d <= DELTA ? (d * d) / 2 : DELTA * (d - DELTA / 2);
    },
    call: (k, n, ...p) => k.f32_huber(n, ...p, DELTA, SCALE),
    y: same,
  },
  {
    name: 'f32_sigmoid_cross_entropy',
    sums: 1,
    loss: (x, y) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0) - x * y,
    call: (k, n, ...p) => k.f32_sigmoid_cross_entropy(n, ...p, SCALE),
    y: (values) => values.map(Math.abs),
  },
];

function run({ sums, call }: Elementwise, x: Floats, y: Floats) {
  return modules.map(({ name, kernels }) => {
    guarded.reset();
    const [a, b] = [guarded.input(x), guarded.input(y)];
    const [dx, total] = [guarded.output(x), guarded.output(new Float64Array(sums))];
    call(kernels, x.length, a.pointer, b.pointer, dx.pointer, total.pointer);
    guarded.check();
    return { name, dx: dx.read(), sums: total.read() };
  });
}

describe.each(kernels)('$name', (kernel) => {
  test.each(sizes)('n %i: sums, gradient by central differences, twin', (n) => {
    const rng = new Rng(n + 11);
    const x = floats(rng, n, 2);
    const y = kernel.y(floats(rng, n));
    const results = run(kernel, x, y);
    const losses = [...x].map((v, i) => kernel.loss(v, y[i]!));
    const want = losses.reduce((sum, loss) => sum + loss, 0);
    const h = 1e-6;
    const slopes = [...x].map((v, i) => {
      return (kernel.loss(v + h, y[i]!) - kernel.loss(v - h, y[i]!)) / (2 * h);
    });
    for (const { name, dx, sums } of results) {
      // The f32 difference, below 3, is rounded once; slopes of the losses are below 6.
      expect(Math.abs(sums[0]! - want), name).toBeLessThanOrEqual(n * 6 * 3 * ULP);
      // Central differences err by 1e-16·9/h and at a kink by h; roundings of products below 2.
      expectClose(
        dx,
        slopes.map((s) => s * SCALE),
        () => 4 * ULP + 4e-6,
        name,
      );
      if (kernel.sums === 2) {
        const size = [...x].reduce((sum, v, i) => sum + Math.abs(v - y[i]!), 0);
        expect(Math.abs(sums[1]! - size), name).toBeLessThanOrEqual(n * 3 * ULP);
      }
    }
    expectSame(results[0]!.dx, results[1]!.dx, 'dx simd128 against scalar');
    expectSame(results[0]!.sums, results[1]!.sums, 'sums simd128 against scalar');
  });

  test('n 0 has sums of 0, NaN is not lost', () => {
    const none = new Float32Array(0);
    for (const { sums } of run(kernel, none, none)) expect(sums.every((s) => s === 0)).toBe(true);
    const bad = Float32Array.of(0, 0, 0, 0, 0, NaN, 0);
    for (const { sums, dx } of run(kernel, bad, new Float32Array(7))) {
      expect(sums[0]).toBeNaN();
      expect(dx[5]).toBeNaN();
    }
  });
});

test('at a difference of 0 the absolute error has slope 0', () => {
  const x = Float32Array.of(1, 2, 3, 4, 5);
  for (const { dx } of run(kernels[1]!, x, x)) expectSame(dx, new Float32Array(5), 'dx');
});

test('binary cross-entropy does not overflow', () => {
  const x = Float32Array.of(1e30, -1e30, 1e30, -1e30, 200);
  for (const { dx, sums } of run(kernels[3]!, x, Float32Array.of(1, 0, 0.5, 0.5, 0))) {
    expect(Number.isFinite(sums[0])).toBe(true);
    expectClose(dx, [0, 0, SCALE / 2, -SCALE / 2, SCALE], () => ULP, 'dx');
  }
});

describe('f32_softmax_targets', () => {
  const SHARPNESS = 0.5;

  /** Σ q·(log Σ e^z − z) in float64. */
  function lossOf(x: number[], q: number[]): number {
    const z = x.map((v) => v * SHARPNESS);
    const top = Math.max(...z);
    const total = Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0)) + top;
    return q.reduce((sum, weight, c) => sum + weight * (total - z[c]!), 0);
  }

  const call = (x: Floats, q: Floats, rows: number) =>
    modules.map(({ name, kernels }) => {
      guarded.reset();
      const [a, b] = [guarded.input(x), guarded.input(q)];
      const [dx, losses] = [guarded.output(x), guarded.output(new Float32Array(rows))];
      const pointers = [a.pointer, b.pointer, dx.pointer, losses.pointer] as const;
      const classes = x.length / rows;
      kernels.f32_softmax_targets(rows, classes, ...pointers, SHARPNESS, SCALE);
      guarded.check();
      return { name, dx: dx.read(), losses: losses.read() };
    });

  test.each([1, 2, 3, 4, 5, 7, 10, 33])(
    '%i classes: loss, central differences, twin',
    (classes) => {
      const rng = new Rng(classes + 5);
      const rows = 3;
      const x = floats(rng, rows * classes, 8);
      const q = floats(rng, rows * classes).map(Math.abs);
      const results = call(x, q, rows);
      const row = (values: Floats, r: number) => [
        ...values.subarray(r * classes, (r + 1) * classes),
      ];
      const h = 1e-5;
      for (const { name, dx, losses } of results) {
        for (let r = 0; r < rows; r++) {
          const [logits, weights] = [row(x, r), row(q, r)];
          const want = lossOf(logits, weights);
          expect(Math.abs(losses[r]! - want), `${name} row ${r}`).toBeLessThan(
            2 * ULP * want + 1e-12,
          );
          const slopes = logits.map((_, i) => {
            const moved = (d: number) => logits.map((v, j) => (j === i ? v + d : v));
            const rise = lossOf(moved(h), weights) - lossOf(moved(-h), weights);
            // d loss / dz, not / dlogits: the caller's scale has the sharpness.
            return ((rise / (2 * h)) * SCALE) / SHARPNESS;
          });
          // Differences of losses up to 100 err by 1e-14 / h.
          expectClose(row(dx, r), slopes, () => 2e-8 + 2 * ULP * classes, `${name} row ${r}`);
        }
      }
      expectSame(results[0]!.dx, results[1]!.dx, 'dlogits simd128 against scalar');
      expectSame(results[0]!.losses, results[1]!.losses, 'losses simd128 against scalar');
    },
  );

  test('a logit of −∞ whose weight is 0 has probability 0', () => {
    for (const { dx, losses } of call(
      Float32Array.of(1, -Infinity, 1),
      Float32Array.of(0.5, 0, 0.5),
      1,
    )) {
      expectClose(dx, [0, 0, 0], () => ULP, 'dx');
      expect(losses[0]).toBeCloseTo(Math.LN2, 6);
    }
  });
});
