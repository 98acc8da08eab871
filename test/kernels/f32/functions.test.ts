import { describe, expect, test } from 'vitest';
import { FUNCTION_SCRATCH_BYTES } from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { type UnaryOpName, unaryNames } from '../../../src/ops/unary.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  functionError,
  functionReferences,
  slopeReferences,
} from '../../reference/f32/functions.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 67];
const ALPHA = 0.3125;
const f = Math.fround;

/**
 * Of a slope at 0, ±3 or far out: gelu's Φ(0) = ½ is within 14 half units in the last place, 7·2⁻²⁴, and goes through one sum. The
 * others, and gelu where Φ is near 0 or 1, have fewer roundings of numbers below 1.
 */
const SLOPE_ERROR = 8 * ULP;

type Kernels = (typeof modules)[number]['kernels'];
type Floats = Float32Array<ArrayBuffer>;

/**
 * Runs `call` on both modules with an output of its own and in place of each input; all results must be the same bytes. Gives
 * them.
 */
function checked(
  context: string,
  inputs: readonly Floats[],
  call: (kernels: Kernels, inputs: number[], y: number, constants: number) => void,
): Floats {
  const results: Floats[] = [];
  for (const { kernels } of modules) {
    for (let place = -1; place < inputs.length; place++) {
      guarded.reset();
      const constants = guarded.scratch(FUNCTION_SCRATCH_BYTES).pointer;
      const regions = inputs.map((x, i) => (i === place ? guarded.inout(x) : guarded.input(x)));
      const y = place < 0 ? guarded.output(inputs[0]!) : regions[place]!;
      const pointers = regions.map(({ pointer }) => pointer);
      call(kernels, pointers, y.pointer, constants);
      guarded.check();
      results.push(y.read());
    }
  }
  for (const other of results.slice(1)) expectSame(other, results[0]!, context);
  return results[0]!;
}

function forward(name: UnaryOpName, x: Floats, alpha = ALPHA): Floats {
  const kind = unaryNames.indexOf(name);
  return checked(`${name} of ${x.length}`, [x], (k, [p], y, constants) =>
    k.f32_vfunction(x.length, kind, alpha, p!, y, constants),
  );
}

function backward(name: UnaryOpName, x: Floats, y: Floats, dy: Floats): Floats {
  const kind = unaryNames.indexOf(name);
  return checked(`${name} backward of ${x.length}`, [x, y, dy], (k, [p, q, g], dx, constants) =>
    k.f32_vfunction_backward(x.length, kind, ALPHA, p!, q!, g!, dx, constants),
  );
}

const domain = (name: UnaryOpName) => ['log', 'rsqrt', 'sqrt'].includes(name);

describe('f32_vfunction', () => {
  test.each(unaryNames)('%s: float64 within its roundings, twin, in place', (name) => {
    const real = functionReferences[name];
    for (const n of [...sizes, 4001]) {
      for (const size of [1e-6, 0.5, 4, 30, 95]) {
        const rng = new Rng(n + size);
        const x = floats(rng, n, size).map((v) => (domain(name) ? Math.abs(v) + 1e-9 : v));
        const want = Array.from(x, (v) => real(v, ALPHA));
        // What is larger than an f32 is infinite; the last exponentials below may round to either.
        const inside = Array.from(x, (_, i) => Math.abs(want[i]!) < 3.4e38);
        const keep = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => inside[i]);
        const xs = keep(x);
        const expected = keep(want);
        expectClose(
          keep(forward(name, x)),
          expected,
          (i) => functionError(name, xs[i]!, expected[i]!),
          `${name} of ${n} up to ${size}`,
        );
      }
    }
  });

  /** For +inf, −inf, NaN, 0, −0, 1e30, −1e30, a subnormal. */
  const ends: Record<UnaryOpName, number[]> = {
    abs: [Infinity, Infinity, NaN, 0, 0, 1e30, 1e30, 1e-40],
    elu: [Infinity, -ALPHA, NaN, 0, -0, 1e30, -ALPHA, 1e-40],
    exp: [Infinity, 0, NaN, 1, 1, Infinity, 0, 1],
    gelu: [Infinity, -0, NaN, 0, -0, 1e30, -0, 0.5e-40],
    hardSwish: [Infinity, -0, NaN, 0, -0, 1e30, -0, 0.5e-40],
    leakyRelu: [Infinity, -Infinity, NaN, 0, -0, 1e30, ALPHA * -1e30, 1e-40],
    log: [Infinity, NaN, NaN, -Infinity, -Infinity, Math.log(1e30), NaN, Math.log(f(1e-40))],
    negate: [-Infinity, Infinity, NaN, -0, 0, -1e30, 1e30, -1e-40],
    rsqrt: [0, NaN, NaN, Infinity, -Infinity, 1e-15, NaN, 1e20],
    sigmoid: [1, 0, NaN, 0.5, 0.5, 1, 0, 0.5],
    sqrt: [Infinity, NaN, NaN, 0, -0, 1e15, NaN, 1e-20],
    square: [Infinity, Infinity, NaN, 0, 0, Infinity, Infinity, 0],
    swish: [Infinity, -0, NaN, 0, -0, 1e30, -0, 0.5e-40],
    tanh: [1, -1, NaN, 0, -0, 1, -1, 1e-40],
  };

  test.each(unaryNames)('%s at the ends', (name) => {
    const x = Float32Array.of(Infinity, -Infinity, NaN, 0, -0, 1e30, -1e30, 1e-40);
    const got = forward(name, x);
    ends[name].forEach((want, i) => {
      const context = `${name} of ${x[i]}`;
      if (!Number.isFinite(want) || want === 0) expectSame([got[i]!], [want], context);
      else expect(Math.abs(got[i]! / want - 1), context).toBeLessThan(1e-5);
    });
  });

  test('what is finite stays so up to the largest number', () => {
    const x = Float32Array.of(3.4e38, -3.4e38);
    for (const name of ['gelu', 'hardSwish', 'swish', 'elu'] as const) {
      expect(forward(name, x)[0], name).toBe(x[0]);
      expect(forward(name, x)[1], name).toBeCloseTo(name === 'elu' ? -ALPHA : 0, 6);
    }
  });

  test('NaN with any bits is NaN', () => {
    const x = new Float32Array(8);
    new Uint32Array(x.buffer).fill(0x7f800001, 0, 4).fill(0xffffffff, 4);
    for (const name of unaryNames) expect([...forward(name, x)].every(Number.isNaN)).toBe(true);
  });

  test('e^x ends where f32 does', () => {
    const x = Float32Array.of(88.72283, 88.72284, -86.643, -86.644);
    const [below, above, least, none] = forward('exp', x);
    expect([below! < Infinity, above, least! > 0, none]).toEqual([true, Infinity, true, 0]);
  });
});

describe('f32_vfunction_backward', () => {
  test.each(unaryNames)('%s: the derivative, twin, in place', (name) => {
    for (const n of [...sizes, 1001]) {
      const rng = new Rng(n + 5);
      const x = floats(rng, n, 9).map((v) => (domain(name) ? Math.abs(v) + 0.1 : v));
      const dy = floats(rng, n);
      const y = forward(name, x);
      const slopes = Array.from(x, (v, i) => slopeReferences[name](v, y[i]!, ALPHA));
      // Sums and products of numbers of this size, six of them, and the error of what is computed anew.
      const bound = (i: number) => {
        const grown = name === 'gelu' ? (13 + (x[i]! * x[i]!) / 2) * 0.5 : 6;
        return (6 + grown) * ULP * Math.max(1, Math.abs(slopes[i]!)) * Math.abs(dy[i]!) + 1e-37;
      };
      const want = slopes.map((slope, i) => slope * dy[i]!);
      expectClose(backward(name, x, y, dy), want, bound, `${name} backward of ${n}`);
    }
  });

  test('at kinks it is the slope of larger x, and 0 for abs; far out it is that of the limit', () => {
    const x = Float32Array.of(0, -0, -3, 3, Infinity, -Infinity, 50, -50);
    const dy = new Float32Array(8).fill(2);
    const slopes = (name: UnaryOpName) => {
      return [...backward(name, x, forward(name, x), dy)].map((value) => value / 2 + 0);
    };
    const expectNear = (name: UnaryOpName, from: number, ...want: number[]) => {
      expectClose(slopes(name).slice(from), want, () => SLOPE_ERROR, `slopes of ${name}`);
    };
    const gelu = (at: number) => slopeReferences.gelu(at, 0, 0);
    expect(slopes('abs')).toEqual([0, 0, -1, 1, 1, -1, 1, -1]);
    expect(slopes('leakyRelu')).toEqual([1, 1, ALPHA, 1, 1, ALPHA, 1, ALPHA]);
    expectNear('elu', 0, 1, 1, ALPHA * Math.exp(-3), 1, 1, 0, 1, 0);
    expect(slopes('hardSwish')).toEqual([0.5, 0.5, -0.5, 1, 1, 0, 1, 0]);
    expectNear('gelu', 0, 0.5, 0.5, gelu(-3), gelu(3), 1, 0, 1, 0);
    expectNear('sigmoid', 4, 0, 0, 0, 0);
    expect(slopes('tanh').slice(4)).toEqual([0, 0, 0, 0]);
    expectNear('swish', 4, 1, 0, 1, 0);
  });
});
