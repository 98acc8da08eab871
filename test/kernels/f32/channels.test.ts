import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
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
    const dy = floats(rng, rows * channels);
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

    const sumDy = columnsOf(rows, channels, (i) => dy[i]!);
    const sumDyX = columnsOf(rows, channels, (i, c) => dy[i]! * (x[i]! - mean[c]!));
    checkSums(
      `f32_batchnorm_sums ${context}`,
      [x, dy, mean],
      [doubles(), doubles()],
      [
        { ...sumDy, steps: block },
        { ...sumDyX, steps: block + 2 },
      ],
      (k, [p, g, m], [s, q]) => k.f32_batchnorm_sums(rows, channels, p!, g!, m!, s!, q!),
    );
  });
});

describe('affine maps per channel equal their f32 steps, also in place', () => {
  test.each(shapes)('$rows rows of $channels channels', ({ rows, channels }) => {
    const rng = new Rng(rows * 100 + channels + 1);
    const x = floats(rng, rows * channels);
    const dy = floats(rng, rows * channels);
    const [a, b, c] = [floats(rng, channels), floats(rng, channels), floats(rng, channels)];
    const y = x.map((v, i) => f(v * a[i % channels]!) + b[i % channels]!);
    const dx = x.map((v, i) => {
      const j = i % channels;
      return f(f(a[j]! * dy[i]!) + f(b[j]! * v)) + c[j]!;
    });
    for (const { name, kernels } of modules) {
      guarded.reset();
      const px = guarded.input(x).pointer;
      const pdy = guarded.input(dy).pointer;
      const [pa, pb, pc] = [a, b, c].map((v) => guarded.input(v).pointer);
      const out = guarded.output(y);
      const inPlace = guarded.inout(x);
      const inPlaceDy = guarded.inout(dy);
      kernels.f32_vaffine(rows, channels, px, pa!, pb!, out.pointer);
      expectSame(out.read(), y, `f32_vaffine ${name}`);
      kernels.f32_batchnorm_backward(rows, channels, px, pdy, pa!, pb!, pc!, out.pointer);
      expectSame(out.read(), dx, `f32_batchnorm_backward ${name}`);
      kernels.f32_vaffine(rows, channels, inPlace.pointer, pa!, pb!, inPlace.pointer);
      expectSame(inPlace.read(), y, `f32_vaffine in place ${name}`);
      const g = inPlaceDy.pointer;
      kernels.f32_batchnorm_backward(rows, channels, px, g, pa!, pb!, pc!, g);
      expectSame(inPlaceDy.read(), dx, `f32_batchnorm_backward in place ${name}`);
      guarded.check();
    }
  });
});

/** y = γ·(x − μ)/√(var + ε) + β with the statistics of the columns, in float64. */
function batchnorm(x: number[], rows: number, channels: number, gamma: number[], epsilon: number) {
  return x.map((v, i) => {
    const c = i % channels;
    const column = x.filter((_, j) => j % channels === c);
    const mean = column.reduce((s, u) => s + u, 0) / rows;
    const variance = column.reduce((s, u) => s + (u - mean) ** 2, 0) / rows;
    return (gamma[c]! * (v - mean)) / Math.sqrt(variance + epsilon);
  });
}

test('the doc comment of f32_batchnorm_backward gives the central difference of batch normalization', () => {
  const [rows, channels, epsilon] = [6, 3, 1e-3];
  const rng = new Rng(9);
  const x = floats(rng, rows * channels);
  const dy = floats(rng, rows * channels);
  const gamma = [...floats(rng, channels)];
  const loss = (u: number[]) =>
    batchnorm(u, rows, channels, gamma, epsilon).reduce((s, v, i) => s + v * dy[i]!, 0);
  const h = 1e-5;
  const want = [...x].map((_, i) => {
    const moved = (d: number) => [...x].map((v, j) => (j === i ? v + d : v));
    return (loss(moved(h)) - loss(moved(-h))) / (2 * h);
  });
  const stats = columnsOf(rows, channels, (i) => x[i]!).value.map((v) => v / rows);
  const variance = columnsOf(rows, channels, (i, c) => (x[i]! - stats[c]!) ** 2).value;
  const sigma = variance.map((v) => Math.sqrt(v / rows + epsilon));
  const sumDy = columnsOf(rows, channels, (i) => dy[i]!).value;
  const sumDyX = columnsOf(rows, channels, (i, c) => dy[i]! * (x[i]! - stats[c]!)).value;
  const a = sigma.map((s, c) => gamma[c]! / s);
  const b = sigma.map((s, c) => (-gamma[c]! * sumDyX[c]!) / (rows * s ** 3));
  const c = sigma.map((s, j) => (-gamma[j]! * sumDy[j]!) / (rows * s) - b[j]! * stats[j]!);
  for (const { name, kernels } of modules) {
    guarded.reset();
    const [px, pdy, pa, pb, pc] = [x, dy, a, b, c].map(
      (v) => guarded.input(Float32Array.from(v)).pointer,
    );
    const dx = guarded.output(x);
    kernels.f32_batchnorm_backward(rows, channels, px!, pdy!, pa!, pb!, pc!, dx.pointer);
    // Three f32 terms of size below 8, and h² of the difference.
    expectClose(dx.read(), want, () => 1e-5, name);
  }
});
