import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { fakequantGradient, fakequantize, rte } from '../../reference/f32/fakequant.ts';
import type { QuantizeParams } from '../../reference/f32/params.ts';
import { expectClose, expectSame, floats, ULP } from '../f32/compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const f = Math.fround;
/** The rounding error of a product that is subnormal in f32. */
const UNDERFLOW = 2 ** -150;
const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 67, 127, 128, 131, 1021, 4099];

function quantizer(scale: number, zeroPoint: number, qmin: number, qmax: number): QuantizeParams {
  const s = f(scale);
  return { scale: s, inverseScale: f(1 / s), zeroPoint, qmin, qmax };
}

const quantizers = [
  quantizer(0.05, 3, -128, 127),
  quantizer(0.125, -128, -128, 127),
  quantizer(0.3, 127, -128, 127),
  quantizer(0.4, 0, -127, 127),
  quantizer(0.7, 5, 0, 15),
  quantizer(1.5, 0, -2, 1),
];

/** Values inside and far outside the range, ties of both parities, the ends of the range, huge and tiny values. */
function values(rng: Rng, n: number, p: QuantizeParams): Float32Array<ArrayBuffer> {
  const middle = (p.qmin + p.qmax) / 2 - p.zeroPoint;
  const half = (p.qmax - p.qmin) / 2 + 2;
  const special = [p.qmin, p.qmin - 1, p.qmax, p.qmax + 1].flatMap((q) =>
    [-0.5, 0, 0.5].map((d) => (q - p.zeroPoint + d) * p.scale),
  );
  special.push(0, -0, 1e-42, -1e-42, 1e9, -1e9, 3e38, -3e38, Infinity, -Infinity);
  return Float32Array.from({ length: n }, () => {
    const kind = rng.below(8);
    if (kind === 0) return special[rng.below(special.length)]!;
    const v = middle + (2 * rng.uniform() - 1) * half;
    return (kind === 1 ? Math.round(v) + 0.5 : v) * p.scale;
  });
}

describe('f32_fakequant_backward', () => {
  const clamps = [
    [-Infinity, Infinity],
    [0, Infinity],
    [-1, 2],
  ] as const;
  const cases = quantizers.flatMap((p) => clamps.map(([lo, hi]) => ({ ...p, lo, hi })));
  const title = 'scale $scale, zero point $zeroPoint in [$qmin, $qmax], clamped to [$lo, $hi]';
  test.each(cases)(title, ({ lo, hi, ...p }) => {
    for (const n of sizes) {
      const rng = new Rng(n);
      const x = values(rng, n, p);
      const dy = floats(rng, n);
      const start = Float64Array.of(0.5, -0.25, 0.125);
      const want = Array.from(x, (v, i) => {
        const gradient = fakequantGradient(p, Math.min(hi, Math.max(lo, v)), dy[i]!);
        return v > lo && v < hi ? gradient : { ...gradient, dx: 0 };
      });
      const total = (key: 'dscale' | 'below' | 'above' | 'size') =>
        want.reduce((s, g) => s + g[key], 0);
      const outside = want.reduce(
        (s, { below, above }) => s + Math.abs(below) + Math.abs(above),
        0,
      );
      const dx = want.map((g) => g.dx);
      for (const { name, kernels } of modules) {
        for (const inPlace of [false, true]) {
          guarded.reset();
          const params = guarded.params('QuantizeParams', p).pointer;
          const px = guarded.input(x).pointer;
          const g = inPlace ? guarded.inout(dy) : guarded.input(dy);
          const out = inPlace ? g : guarded.output(dy);
          const sums = guarded.inout(start);
          kernels.f32_fakequant_backward(
            ...([n, px, g.pointer, out.pointer, sums.pointer, lo, hi, params] as const),
          );
          guarded.check();
          const context = `${name} n ${n} in place ${inPlace}`;
          expectSame(out.read(), dx, `dx ${context}`);
          // Sums of up to 16 terms in f32 (quantization.md §7), and the additions in f64.
          expectClose(
            sums.read(),
            [start[0]! + total('dscale'), start[1]! + total('below'), start[2]! + total('above')],
            (i) => 32 * ULP * (i === 0 ? total('size') : outside) + 1e-12,
            `sums ${context}`,
          );
        }
      }
    }
  });

  test('one element at a time: the term of each is right to 4·2⁻²⁴·(|v| + |q|)·|dy|', () => {
    for (const p of quantizers) {
      const rng = new Rng(77);
      const x = values(rng, 400, p);
      for (const v of x) {
        const dy = Float32Array.of(f(2 * rng.uniform() - 1));
        const want = fakequantGradient(p, v, dy[0]!);
        for (const { name, kernels } of modules) {
          guarded.reset();
          const params = guarded.params('QuantizeParams', p).pointer;
          // Four equal elements go through lanes, one through the tail.
          for (const n of [1, 4]) {
            const px = guarded.input(new Float32Array(n).fill(v)).pointer;
            const g = guarded.inout(new Float32Array(n).fill(dy[0]!)).pointer;
            const sums = guarded.inout(new Float64Array(3));
            kernels.f32_fakequant_backward(n, px, g, g, sums.pointer, -Infinity, Infinity, params);
            const [dscale, ...outside] = sums.read();
            const context = `${name} n ${n} x ${v} ${JSON.stringify(p)}`;
            expectClose(
              [dscale! / n],
              [want.dscale],
              () => 4 * ULP * want.size + UNDERFLOW,
              `dscale ${context}`,
            );
            const parts = outside.map((sum) => sum / n);
            expectSame(parts, [want.below, want.above], `outside ${context}`);
          }
        }
      }
    }
  });
});

describe('f32_quantize_error', () => {
  test.each(quantizers)('scale $scale, zero point $zeroPoint in [$qmin, $qmax]', (p) => {
    for (const n of [0, ...sizes])
      for (const stride of [1, 2, 3, 7]) {
        const x = values(new Rng(n * 8 + stride), n * stride, p).map((v) =>
          Math.abs(v) > 1e6 ? 2 : v,
        );
        let want = 0;
        for (let i = 0; i < n; i++)
          want += (fakequantize(p, x[i * stride]!).value - x[i * stride]!) ** 2;
        const [a, b] = modules.map(({ name, kernels }) => {
          guarded.reset();
          const params = guarded.params('QuantizeParams', p).pointer;
          const got = kernels.f32_quantize_error(n, stride, guarded.input(x).pointer, params);
          guarded.check();
          // The difference is rounded to f32 once, which counts twice in the square.
          expectClose([got], [want], () => 2.01 * ULP * want, `${name} n ${n} stride ${stride}`);
          return got;
        });
        expect(a).toBe(b);
      }
  });

  test('values far outside give the distance to the end of the range', () => {
    const p = quantizers[0]!;
    for (const { kernels } of modules) {
      guarded.reset();
      const x = guarded.input(Float32Array.of(1e9, -1e9, 1e9, -1e9, 1e9));
      const params = guarded.params('QuantizeParams', p).pointer;
      expect(kernels.f32_quantize_error(5, 1, x.pointer, params) / 5e18).toBeCloseTo(1, 6);
    }
  });
});

test('the reference rounds ties to even', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -0.51].map((v) => rte(v) + 0)).toEqual([
    0, 2, 2, 0, -2, 0, -1,
  ]);
});
