import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { fakequantGradient } from '../../reference/f32/fakequant.ts';
import type { QuantizeParams } from '../../reference/f32/params.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const f = Math.fround;
const shapes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 37].flatMap((channels) =>
  [1, 3, 63, 64, 65, 150].map((rows) => ({ rows, channels })),
);

/** Rows that a kernel sums in f32. */
const BLOCK = 64;

const quantizer = (scale: number, zeroPoint: number): QuantizeParams => ({
  ...{ scale: f(scale), inverseScale: f(1 / f(scale)), zeroPoint },
  ...{ qmin: -128, qmax: 127 },
});

/** What follows the normalization: nothing, relu, relu6, a quantizer, relu and a quantizer that cuts some of it. */
const followers = [
  { name: 'nothing', lo: -Infinity, hi: Infinity },
  { name: 'relu', lo: 0, hi: Infinity },
  { name: 'a narrow clamp', lo: -0.3, hi: 0.7 },
  { name: 'a quantizer', lo: -Infinity, hi: Infinity, grid: quantizer(0.007, 20) },
  { name: 'relu and a quantizer', lo: 0, hi: Infinity, grid: quantizer(0.003, -128) },
  { name: 'a clamp and a quantizer', lo: 0, hi: 0.6, grid: quantizer(0.004, -128) },
] as const;

interface Follower {
  readonly lo: number;
  readonly hi: number;
  readonly grid?: QuantizeParams;
}

/** What passes of dy, and the terms of the sums for the range, one element. */
function follow({ lo, hi, grid }: Follower, y: number, dy: number) {
  const open = lo === -Infinity && hi === Infinity;
  const clamped = open || (y > lo && y < hi) ? dy : 0;
  if (!grid) return { g: clamped, dscale: 0, below: 0, above: 0, size: 0 };
  const one = fakequantGradient(grid, Math.min(hi, Math.max(lo, y)), dy);
  return { g: one.dx === 0 ? 0 : clamped, ...one };
}

interface Sum {
  value: number;
  size: number;
}

const addTo = (sum: Sum, term: number, size = Math.abs(term)) => {
  sum.value += term;
  sum.size += size;
};

describe.each(followers)('normalization before $name', (follower) => {
  test.each(shapes)('sums over $rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels);
    const x = floats(rng, rows * channels).map((v) => v + 3);
    const dy = floats(rng, rows * channels);
    const mean = floats(rng, channels).map((v) => 3 + v / 10);
    const a = floats(rng, channels);
    const b = a.map((gain, c) => -gain * mean[c]!);
    const start = Float64Array.from({ length: 2 * channels + 3 }, () => rng.uniform());
    const want: Sum[] = Array.from(start, (value) => ({ value, size: 0 }));
    x.forEach((v, i) => {
      const c = i % channels;
      const one = follow(follower, f(f(v * a[c]!) + b[c]!), dy[i]!);
      addTo(want[c]!, one.g);
      addTo(want[channels + c]!, one.g * (v - mean[c]!));
      addTo(want[2 * channels]!, one.dscale, one.size);
      addTo(want[2 * channels + 1]!, one.below);
      addTo(want[2 * channels + 2]!, one.above);
    });
    // Terms of a block are summed in f32; those of scale and product have up to four roundings of their own.
    const steps = Math.min(rows, BLOCK) + 4;
    const results = modules.map(({ name, kernels }) => {
      guarded.reset();
      const [px, pdy, pa, pb, pm] = [x, dy, a, b, mean].map((v) => guarded.input(v).pointer);
      const sums = guarded.inout(start);
      const { grid, lo, hi } = follower as Follower;
      const params = grid ? guarded.params('QuantizeParams', grid).pointer : 0;
      kernels.f32_batchnorm_sums(
        ...([rows, channels, px!, pdy!, pa!, pb!, pm!, sums.pointer, lo, hi, params] as const),
      );
      guarded.check();
      const got = sums.read();
      const values = want.map(({ value }) => value);
      const bound = (i: number) => 1.01 * steps * ULP * want[i]!.size + 2 ** -50;
      expectClose(got, values, bound, `${name}, seed ${rows * 100 + channels}`);
      return got.slice(0, 2 * channels);
    });
    expectSame(results[0]!, results[1]!, 'sums by channel, simd128 against scalar');
  });
});

describe('f32_batchnorm_backward equals its f32 steps, also in place', () => {
  test.each(shapes)('$rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels + 1);
    const x = floats(rng, rows * channels);
    const dy = floats(rng, rows * channels);
    const per = () => floats(rng, channels);
    const [a, b, p, q, r] = [per(), per(), per(), per(), per()];
    for (const { name, lo, hi } of followers.slice(0, 3)) {
      const want = x.map((v, i) => {
        const c = i % channels;
        const { g } = follow({ lo, hi }, f(f(v * a[c]!) + b[c]!), dy[i]!);
        return f(f(p[c]! * g) + f(q[c]! * v)) + r[c]!;
      });
      for (const { name: module, kernels } of modules) {
        guarded.reset();
        const [px, pdy, ...vectors] = [x, dy, a, b, p, q, r].map((v) => guarded.input(v).pointer);
        const [pa, pb, pp, pq, pr] = vectors as [number, number, number, number, number];
        const out = guarded.output(want);
        const own = guarded.inout(dy);
        for (const [g, dx] of [
          [pdy!, out.pointer],
          [own.pointer, own.pointer],
        ] as const) {
          kernels.f32_batchnorm_backward(
            ...([rows, channels, px!, g, pa, pb, pp, pq, pr, dx, lo, hi] as const),
          );
        }
        guarded.check();
        expectSame(out.read(), want, `${module} before ${name}`);
        expectSame(own.read(), want, `${module} before ${name} in place`);
      }
    }
  });
});

/** y = γ·(x − μ)/√(var + ε) with the statistics of the columns, then a clamp at 0, in float64. */
function normalized(x: number[], channels: number, gamma: number[], epsilon: number, lo: number) {
  return x.map((v, i) => {
    const c = i % channels;
    const column = x.filter((_, j) => j % channels === c);
    const mean = column.reduce((s, u) => s + u, 0) / column.length;
    const variance = column.reduce((s, u) => s + (u - mean) ** 2, 0) / column.length;
    return Math.max(lo, (gamma[c]! * (v - mean)) / Math.sqrt(variance + epsilon));
  });
}

test.each([-Infinity, 0])(
  'its doc comment gives the central difference of batch normalization clamped at %s',
  (lo) => {
    const [rows, channels, epsilon] = [6, 3, 1e-3];
    const rng = new Rng(9);
    const x = floats(rng, rows * channels);
    const dy = floats(rng, rows * channels);
    const gamma = [...floats(rng, channels)];
    const loss = (u: number[]) =>
      normalized(u, channels, gamma, epsilon, lo).reduce((s, v, i) => s + v * dy[i]!, 0);
    const h = 1e-5;
    const want = [...x].map((_, i) => {
      const moved = (d: number) => [...x].map((v, j) => (j === i ? v + d : v));
      return (loss(moved(h)) - loss(moved(-h))) / (2 * h);
    });
    const column = (values: ArrayLike<number>, c: number) =>
      Array.from(values).filter((_, i) => i % channels === c);
    const each = (work: (c: number) => number) =>
      Array.from({ length: channels }, (_, c) => work(c));
    const total = (values: number[]) => values.reduce((s, v) => s + v, 0);
    const mean = each((c) => total(column(x, c)) / rows);
    const sigma = each((c) =>
      Math.sqrt(total(column(x, c).map((v) => (v - mean[c]!) ** 2)) / rows + epsilon),
    );
    const passed = Array.from(dy, (g, i) => {
      const c = i % channels;
      return gamma[c]! * (x[i]! - mean[c]!) > lo ? g : 0;
    });
    const sum = each((c) => total(column(passed, c)));
    const product = each((c) =>
      total(column(passed, c).map((g, n) => g * (column(x, c)[n]! - mean[c]!))),
    );
    const p = sigma.map((s, c) => gamma[c]! / s);
    const q = sigma.map((s, c) => (-gamma[c]! * product[c]!) / (rows * s ** 3));
    const r = sigma.map((s, c) => (-gamma[c]! * sum[c]!) / (rows * s) - q[c]! * mean[c]!);
    const b = p.map((gain, c) => -gain * mean[c]!);
    for (const { name, kernels } of modules) {
      guarded.reset();
      const [px, pdy, ...vectors] = [x, dy, p, b, p, q, r].map(
        (v) => guarded.input(Float32Array.from(v)).pointer,
      );
      const [pa, pb, pp, pq, pr] = vectors as [number, number, number, number, number];
      const dx = guarded.output(x);
      kernels.f32_batchnorm_backward(
        ...([rows, channels, px!, pdy!, pa, pb, pp, pq, pr, dx.pointer, lo, Infinity] as const),
      );
      // Three f32 terms of size below 8, and h² of the difference.
      expectClose(dx.read(), want, () => 1e-5, name);
    }
  },
);
