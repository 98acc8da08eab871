import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { rte } from '../../reference/f32/fakequant.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const f = Math.fround;
const shapes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 37].flatMap((channels) =>
  [1, 3, 63, 64, 65, 150].map((rows) => ({ rows, channels })),
);

/** Rows that a kernel sums in f32. */
const BLOCK = 64;

/** Float64 column sums of `term`, with the sums of its absolute values. */
function columnsOf(rows: number, channels: number, term: (i: number, c: number) => number) {
  const value = new Float64Array(channels);
  const size = new Float64Array(channels);
  for (let i = 0; i < rows * channels; i++) {
    const c = i % channels;
    const t = term(i, c);
    value[c] = value[c]! + t;
    size[c] = size[c]! + Math.abs(t);
  }
  return { value, size };
}

/** Runs a reduction that adds to `starts` and compares it with the reference, and the twins with each other. */
function checkSums(
  context: string,
  inputs: Float32Array<ArrayBuffer>[],
  starts: (Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>)[],
  wants: { value: Float64Array; size: Float64Array; steps: number }[],
  call: (kernels: (typeof modules)[number]['kernels'], inputs: number[], sums: number[]) => void,
): void {
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const pointers = inputs.map((x) => guarded.input(x).pointer);
    const sums = starts.map((s) => guarded.inout(s));
    call(
      kernels,
      pointers,
      sums.map((s) => s.pointer),
    );
    guarded.check();
    return sums.map((s, j) => {
      const { value, size, steps } = wants[j]!;
      const want = value.map((v, c) => v + starts[j]![c]!);
      // The f32 result of column sums is rounded once more.
      const last = (c: number) =>
        starts[j] instanceof Float32Array ? ULP * Math.abs(want[c]!) : 0;
      const tolerance = (c: number) => 1.01 * steps * ULP * size[c]! + last(c);
      expectClose(s.read(), want, tolerance, `${context} sum ${j} ${name}`);
      return s.read();
    });
  });
  results[0]!.forEach((sum, j) => {
    expectSame(sum, results[1]![j]!, `${context} sum ${j} simd128 against scalar`);
  });
}

describe('sums over rows', () => {
  test.each(shapes)('$rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels);
    const x = floats(rng, rows * channels).map((v) => v + 3);
    const mean = floats(rng, channels).map((v) => 3 + v / 10);
    const context = `${rows} rows, ${channels} channels`;
    const doubles = () => Float64Array.from({ length: channels }, () => rng.uniform());
    const block = Math.min(rows, BLOCK);

    const plain = columnsOf(rows, channels, (i) => x[i]!);
    checkSums(
      `f32_column_sums ${context}`,
      [x],
      [floats(rng, channels)],
      [{ ...plain, steps: block }],
      (k, [p], [s]) => k.f32_column_sums(rows, channels, p!, s!),
    );

    const centred = columnsOf(rows, channels, (i, c) => x[i]! - mean[c]!);
    const squares = columnsOf(rows, channels, (i, c) => (x[i]! - mean[c]!) ** 2);
    // One rounding of the difference, which counts twice in its square, and one of the square.
    checkSums(
      `f32_moments ${context}`,
      [x, mean],
      [doubles(), doubles()],
      [
        { ...centred, steps: block + 1 },
        { ...squares, steps: block + 3 },
      ],
      (k, [p, m], [s, q]) => k.f32_moments(rows, channels, p!, m!, s!, q!),
    );
  });
});

describe('affine maps per channel equal their f32 steps, also in place', () => {
  test.each(shapes)('$rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels + 1);
    const x = floats(rng, rows * channels);
    x[rng.below(x.length)] = Number.NaN;
    const [a, b] = [floats(rng, channels), floats(rng, channels)];
    const y = x.map((v, i) => f(v * a[i % channels]!) + b[i % channels]!);
    for (const { name, kernels } of modules)
      for (const [lo, hi] of [
        [-Infinity, Infinity],
        [0, Infinity],
        [-0.25, 0.5],
      ] as const) {
        guarded.reset();
        const px = guarded.input(x).pointer;
        const [pa, pb] = [a, b].map((v) => guarded.input(v).pointer);
        const out = guarded.output(y);
        const inPlace = guarded.inout(x);
        const at = inPlace.pointer;
        kernels.f32_vaffine(rows, channels, px, pa!, pb!, out.pointer, lo, hi);
        kernels.f32_vaffine(rows, channels, at, pa!, pb!, at, lo, hi);
        guarded.check();
        const want = y.map((v) => Math.min(hi, Math.max(lo, v)));
        expectSame(out.read(), want, `f32_vaffine ${name} [${lo}, ${hi}]`);
        expectSame(inPlace.read(), want, `f32_vaffine in place ${name} [${lo}, ${hi}]`);
      }
  });
});

describe('affine maps per channel that are quantized', () => {
  test.each(shapes)('$rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels + 2);
    const x = floats(rng, rows * channels, 3);
    x[rng.below(x.length)] = Number.NaN;
    const [a, b] = [floats(rng, channels), floats(rng, channels)];
    for (const [scale, zeroPoint, qmin, qmax] of [
      [0.01, 7, -128, 127],
      [0.02, -128, -128, 127],
      [0.5, 3, 0, 15],
    ] as const) {
      const params = { scale: f(scale), inverseScale: f(1 / f(scale)), zeroPoint, qmin, qmax };
      const want = Int8Array.from(x, (v, i) => {
        const y = f(f(v * a[i % channels]!) + b[i % channels]!);
        const u = rte(f(y * params.inverseScale)) + zeroPoint;
        return Number.isNaN(u) ? zeroPoint : Math.min(qmax, Math.max(qmin, u));
      });
      for (const { name, kernels } of modules) {
        guarded.reset();
        const [px, pa, pb] = [x, a, b].map((v) => guarded.input(v).pointer);
        const out = guarded.output(want);
        const grid = guarded.params('QuantizeParams', params).pointer;
        kernels.f32_qs8_vaffine(rows, channels, px!, pa!, pb!, out.pointer, grid);
        guarded.check();
        expectSame(out.read(), want, `${name} ${JSON.stringify(params)}`);
      }
    }
  });
});
