import { describe, expect, test } from 'vitest';
import { divisions } from '../../../src/autograd/divide.ts';
import {
  f32DenseInputGradientScratchBytes,
  f32DenseScratchBytes,
  f32DenseWeightGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  dense,
  inputGradient,
  output,
  type Sum,
  weightGradient,
} from '../../reference/f32/conv2d.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';
import { paramsOf } from './geometry.ts';

const guarded = new GuardedMemory(128);
const modules = implementations('train', guarded.memory);
type Kernels = (typeof modules)[number]['kernels'];

/** A layer of n units over k features; the kernels compute `units` and `features` of them, as threads do. */
interface Layer {
  readonly rows: number;
  readonly n: number;
  readonly k: number;
  readonly units: number;
  readonly features: number;
}

function operandsOf({ rows, n, k }: Layer, rng: Rng) {
  const p = paramsOf({ name: '', size: [1, rows], ci: k, co: n });
  const [x, w] = [floats(rng, rows * k), floats(rng, n * k)];
  return { p, x, w, dy: floats(rng, rows * n), bias: floats(rng, n) };
}

type Operands = ReturnType<typeof operandsOf>;

/** The value that 0x77 bytes spell: what a kernel must leave in columns that are not its own. */
const UNTOUCHED = new Float32Array(new Uint8Array(4).fill(0x77).buffer)[0]!;

/** What is wanted of the first `width` of each `stride` columns; the others stay as they are. */
function columns(sum: Sum, stride: number, width: number, bias?: Float32Array): Sum {
  const value = sum.value.map((v, i) =>
    i % stride < width ? v + (bias?.[i % stride] ?? 0) : UNTOUCHED,
  );
  const size = sum.size.map((v, i) =>
    i % stride < width ? v + Math.abs(bias?.[i % stride] ?? 0) : 0,
  );
  return { value, size };
}

/** Both modules give the same bits, each within one rounding a product and a sum of the exact ones. */
function check(
  want: Sum,
  terms: number,
  context: string,
  run: (kernels: Kernels, y: number) => void,
) {
  const results = modules.map(({ name, kernels }) => {
    guarded.reset();
    const y = guarded.output(new Float32Array(want.value.length));
    run(kernels, y.pointer);
    guarded.check();
    const tolerance = (i: number) => 1.01 * (terms + 1) * ULP * want.size[i]!;
    expectClose(y.read(), want.value, tolerance, `${context} ${name}`);
    return y.read();
  });
  expectSame(results[0]!, results[1]!, `${context} simd128 against scalar`);
}

function checkForward(layer: Layer, s: Operands, bias: Float32Array<ArrayBuffer> | undefined) {
  const { rows, n, k, units } = layer;
  const want = columns(output(dense, s.p, 1, s), n, units, bias);
  const context = `f32_dense ${JSON.stringify(layer)} ${bias ? 'with' : 'without'} bias`;
  check(want, k, context, (kernels, y) => {
    const [x, w] = [guarded.input(s.x).pointer, guarded.input(s.w).pointer];
    const packed = guarded.scratch(packedF32Bytes(rows, k)).pointer;
    kernels.f32_pack_weights(rows, k, x, packed);
    const scratch = guarded.scratch(f32DenseScratchBytes(rows)).pointer;
    const b = bias ? guarded.input(bias).pointer : 0;
    kernels.f32_dense(rows, units, k, packed, w, b, y, n, scratch);
  });
}

function checkInputGradient(layer: Layer, s: Operands) {
  const { rows, n, k, features } = layer;
  const want = columns(inputGradient(dense, s.p, 1, s), k, features);
  check(want, n, `f32_dense_input_gradient ${JSON.stringify(layer)}`, (kernels, dx) => {
    const [dy, w] = [guarded.input(s.dy).pointer, guarded.input(s.w).pointer];
    const scratch = guarded.scratch(f32DenseInputGradientScratchBytes(n)).pointer;
    kernels.f32_dense_input_gradient(rows, n, features, dy, w, dx, k, scratch);
  });
}

function checkWeightGradient(layer: Layer, s: Operands) {
  const { rows, n, k, units } = layer;
  const whole = weightGradient(dense, s.p, 1, s);
  const want = {
    value: whole.value.slice(0, units * k),
    size: whole.size.slice(0, units * k),
  };
  check(want, rows, `f32_dense_weight_gradient ${JSON.stringify(layer)}`, (kernels, dw) => {
    const [x, dy] = [guarded.input(s.x).pointer, guarded.input(s.dy).pointer];
    const packed = guarded.scratch(packedTransposedF32Bytes(rows, k)).pointer;
    kernels.f32_pack_weights_transposed(rows, k, x, packed);
    const scratch = guarded.scratch(f32DenseWeightGradientScratchBytes(rows)).pointer;
    kernels.f32_dense_weight_gradient(rows, units, k, dy, n, packed, dw, scratch);
  });
}

function checkAll(layer: Layer, seed: number): void {
  const s = operandsOf(layer, new Rng(seed));
  checkForward(layer, s, undefined);
  checkForward(layer, s, s.bias);
  checkInputGradient(layer, s);
  checkWeightGradient(layer, s);
}

const whole = (rows: number, n: number, k: number): Layer => ({
  ...{ rows, n, k },
  ...{ units: n, features: k },
});

describe('f32_dense and its gradients equal the float64 sums and their twins', () => {
  const edges = [
    ...[1, 2, 3, 4, 5, 7, 8, 9, 16, 17].map((rows) => whole(rows, 12, 10)),
    ...[1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33].map((n) => whole(6, n, 11)),
    ...[1, 2, 7, 8, 9, 15, 31, 32, 33, 40, 41, 511, 513].map((k) => whole(5, 6, k)),
    // Strips of dw: of 64 columns with 513 rows, of 1024 with 32.
    ...[whole(513, 9, 133), whole(32, 5, 1030)],
    { ...whole(9, 40, 70), units: 16, features: 32 },
    { ...whole(4, 19, 21), units: 5, features: 13 },
  ];
  test.each(edges)('$rows rows, n $n, k $k', (layer) => checkAll(layer, 7));

  test('60 random layers', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const rng = new Rng(seed);
      checkAll(whole(1 + rng.below(40), 1 + rng.below(40), 1 + rng.below(90)), seed);
    }
  });
});

test('the parts that threads compute have the bits of the whole call', () => {
  const [rows, n, k] = [9, 40, 70];
  const s = operandsOf(whole(rows, n, k), new Rng(3));
  const bytes = [
    f32DenseScratchBytes(rows),
    f32DenseInputGradientScratchBytes(n),
    f32DenseWeightGradientScratchBytes(rows),
  ];
  const { kernels } = modules.find(({ name }) => name === 'simd128')!;
  const results = [1, 2, 3].map((parts) => {
    guarded.reset();
    const [x, w, bias, dy] = [s.x, s.w, s.bias, s.dy].map((data) => guarded.input(data).pointer);
    const [columns, panels] = [packedF32Bytes(rows, k), packedTransposedF32Bytes(rows, k)].map(
      (size) => guarded.scratch(size).pointer,
    );
    const [y, dx, dw] = [rows * n, rows * k, n * k].map((size) =>
      guarded.output(new Float32Array(size)),
    );
    kernels.f32_pack_weights(rows, k, x!, columns!);
    kernels.f32_pack_weights_transposed(rows, k, x!, panels!);
    const scratch = (size: number) => guarded.scratch(size).pointer;
    const [a, b, c] = bytes.map(scratch);
    const calls = {
      f32_dense: [rows, n, k, columns!, w!, bias!, y!.pointer, n, a!],
      f32_dense_input_gradient: [rows, n, k, dy!, w!, dx!.pointer, k, b!],
      f32_dense_weight_gradient: [rows, n, k, dy!, n, panels!, dw!.pointer, c!],
    };
    for (const [name, args] of Object.entries(calls)) {
      const { units, grain, part } = divisions[name as keyof typeof calls]!(args, {
        fields: () => ({}),
        scratch,
      });
      const step = grain! * Math.ceil(units / parts / grain!);
      for (let first = 0; first < units; first += step) {
        const call = kernels[name as keyof typeof calls] as (...args: number[]) => void;
        call(...part(first, Math.min(step, units - first)));
      }
    }
    guarded.check();
    return [y!, dx!, dw!].map((region) => [...region.read()]);
  });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});
