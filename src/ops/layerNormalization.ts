import { rangeError } from '../core/errors.ts';
import { type FormNode, factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule, Ref } from '../core/op.ts';
import { MAX_ACCUMULATOR, maxDistance } from '../core/overflow.ts';
import { type Shape, showShape } from '../core/shape.ts';
import { CHUNKS, forEachChunk, sampleBytes } from './chunks.ts';
import { roundUp8 } from './linear.ts';
import { rowsOf } from './reduce.ts';

export interface LayerNormAttrs {
  readonly epsilon: number;
}

/**
 * y = gamma · (x − mean) / sqrt(variance + epsilon) + beta, mean and variance those of each row of the last axis
 * (Ba, Kiros and Hinton 2016, arXiv 1607.06450)
 *
 * Inputs: x [N,…,C], gamma, beta [C]. The variance is that of the row, divided by C.
 */
export const layerNormalization = {
  name: 'layerNormalization',
  inferShape([x, ...parameters], { epsilon }) {
    if (!x || x.length < 2) {
      throw rangeError('layerNormalization', 'the input must be [N,…,C]', x && showShape(x));
    }
    const channels = x.at(-1)!;
    for (const shape of parameters) {
      if (shape.length === 1 && shape[0] === channels) continue;
      const expected = `gamma and beta must be [${channels}]`;
      throw rangeError('layerNormalization', expected, showShape(shape));
    }
    checkEpsilon('layerNormalization', epsilon);
    return x;
  },
} as const satisfies OpDef<LayerNormAttrs>;

/** At 0 a row of equal numbers would be divided by 0. */
export function checkEpsilon(where: string, epsilon: number): void {
  if (Number.isFinite(epsilon) && epsilon > 0) return;
  throw rangeError(where, 'epsilon must be a finite number > 0', epsilon);
}

export const layerNormalizationF32: F32Rule<LayerNormAttrs> = {
  forward(cx, [x, gamma, beta], { epsilon }) {
    const { rows, n } = rowsOf(x!.shape);
    const output = cx.alloc(x!.shape);
    /** Mean and 1 / deviation of each row. */
    const moments = cx.alloc([rows, 2]);
    const pointers = [x!, gamma!, beta!, output, moments].map(({ ptr }) => ptr);
    const [from, gain, offset, to, saved] = pointers as [number, number, number, number, number];
    cx.kernels.f32_layernorm(rows, n, from, gain, offset, to, saved, epsilon);
    return { output, extra: moments };
  },
  /** With g = dy·gamma: dx = (g − mean(g) − x̂·mean(g·x̂)) / deviation, dgamma = Σ dy·x̂, dbeta = Σ dy */
  backward(cx, dy, { inputs: [x, gamma], extra }) {
    const moments = extra as Ref;
    const { rows, n } = rowsOf(dy.shape);
    const batch = dy.shape[0]!;
    const dx = cx.alloc(dy.shape);
    const parts = cx.zeros([CHUNKS, 2, n], 'f64');
    forEachChunk(batch, (first, count, chunk) => {
      const at = first * sampleBytes(dy);
      const saved = moments.ptr + ((8 * rows) / batch) * first;
      const sums = parts.ptr + 16 * n * chunk;
      const share = (count * rows) / batch;
      const [from, above, below] = [x!.ptr + at, dy.ptr + at, dx.ptr + at];
      const { f32_layernorm_backward: run } = cx.kernels;
      run(share, n, from, above, gamma!.ptr, saved, below, sums);
    });
    const totals = new Float64Array(2 * n);
    cx.f64(parts).forEach((sum, i) => {
      totals[i % totals.length]! += sum;
    });
    const gradients = cx.alloc([2, n]);
    cx.f32(gradients).set(totals);
    const [dgamma, dbeta] = [0, 4 * n].map((offset): Ref => {
      return { ptr: gradients.ptr + offset, shape: [n], dtype: 'f32' };
    });
    return [dx, dgamma, dbeta];
  },
};

interface Range {
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

/** The params of the kernel; multiplier and addend lie where the constants [epsilon, M…, B…] were put. */
function fieldsOf(
  x: { readonly zeroPoint: number },
  epsilon: number,
  [multiplier, addend]: readonly [number, number],
  { zeroPoint, qmin, qmax }: Range,
) {
  const places = { inZeroPoint: x.zeroPoint, epsilon, multiplier, addend };
  return { ...places, outZeroPoint: zeroPoint, qmin, qmax };
}

/** Above every sum of squares: an epsilon that large makes all of a row 0. */
const MOST_EPSILON = 2 ** 96;

/** [C²·epsilon / s_x², gamma_c / s_y, …, beta_c / s_y, …], which are 1 + 2C      quantization.md eq. (26) */
export const layerNormalizationQat: QatRescaleRule<LayerNormAttrs> = {
  kind: 'rescale',
  operands: 1,
  multipliers([inScale], outScale, _shapes, { epsilon }, [gamma, beta]) {
    const steps = gamma!.length / inScale!;
    const scaled = steps * steps * epsilon;
    const rescaled = [gamma!, beta!].flatMap((factor) =>
      Array.from(factor, (value) => value / outScale),
    );
    return Float32Array.of(Math.min(scaled, MOST_EPSILON), ...rescaled);
  },
  evaluate(cx, [x], out, multipliers) {
    const { rows, n } = rowsOf(x!.q.shape);
    const y = cx.alloc(x!.q.shape, 'i8');
    const factors = cx.alloc([2, n + 8]);
    const view = cx.f32(factors);
    view.set(multipliers.subarray(1, n + 1));
    view.set(multipliers.subarray(n + 1), n + 8);
    const places = [factors.ptr, factors.ptr + 4 * (n + 8)] as const;
    const params = cx.struct('NormParams', fieldsOf(x!, multipliers[0]!, places, out));
    cx.kernels.qs8_layernorm(rows, n, x!.q.ptr, y.ptr, params);
    return y;
  },
};

/** With epsilon > 0 no row is divided by 0, and |u| ≤ sqrt(C)·|M| + |B|. */
function checkFactors({ x: [x], constants: [multipliers] }: FormNode, where: string): void {
  const n = x!.shape.at(-1)!;
  checkLength(multipliers!.shape, n, where);
  const epsilon = multipliers!.data![0]!;
  if (!(epsilon > 0)) throw rangeError(where, 'the first multiplier must be > 0', epsilon);
  if (n * maxDistance(x!.qparams!.zeroPoint) ** 2 <= MAX_ACCUMULATOR) return;
  throw rangeError(where, 'the sum of squares must stay below 2^31', `${n} terms`);
}

function checkLength(shape: Shape, n: number, where: string): void {
  if (shape.length === 1 && shape[0] === 1 + 2 * n) return;
  throw rangeError(where, `the multipliers must be [${1 + 2 * n}]`, showShape(shape));
}

export const layerNormalizationForm: IntForm<LayerNormAttrs> = {
  activations: 1,
  constants: () => factors(),
  attrs: { epsilon: 'real' },
  check: checkFactors,
};

export const layerNormalizationInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const { rows, n } = rowsOf(y.shape);
    const multipliers = Float32Array.from(cx.constants[0]!.data);
    const places = [
      cx.constant(multipliers.subarray(1, n + 1), roundUp8(n)),
      cx.constant(multipliers.subarray(n + 1), roundUp8(n)),
    ] as const;
    const fields = fieldsOf(x!.qparams, multipliers[0]!, places, y.qparams);
    const params = cx.struct('NormParams', fields);
    cx.parallel('qs8_layernorm', rows, 20 * n, (first, count) => {
      return [count, n, x!.ptr + first * n, y.ptr + first * n, params];
    });
  },
};
