import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { QuantizerSpec } from '../../src/graph/graph.ts';
import { passInterval } from '../../src/ops/pointwise.ts';
import { learnedScale } from '../../src/quant/learnedScale.ts';
import { type Eager, graphOf, parameterOf, withTape } from '../autograd/eager.ts';
import { rte } from '../reference/f32/fakequant.ts';

const SEED = 17;
const U = 2 ** -24;
const f = Math.fround;

describe('passInterval', () => {
  test('holds exactly the values that round to integers of the grid', () => {
    const grid = fc.record({
      scale: fc.float({ min: f(1e-6), max: f(1e6), noNaN: true }),
      zeroPoint: fc.integer({ min: -128, max: 127 }),
      bits: fc.constantFrom(2, 4, 8),
    });
    fc.assert(
      fc.property(grid, fc.integer({ min: -600, max: 600 }), ({ scale, zeroPoint, bits }, half) => {
        const [qmin, qmax] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
        const z = Math.min(qmax, Math.max(qmin, zeroPoint));
        const [low, high] = passInterval({ scale, zeroPoint: z, qmin, qmax });
        const inverse = f(1 / scale);
        // Halves are ties; those at the ends of the grid decide.
        for (const y of [f((half / 2) * scale), low, high]) {
          const q = rte(f(y * inverse)) + z;
          expect(y > low && y < high, `${y} of ${scale}, ${z}`).toBe(q >= qmin && q <= qmax);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

const [BATCH, CHANNELS] = [13, 6];
const NORM = { epsilon: 1e-3, momentum: 0.9 };

const rng = new Rng(SEED);
const draw = (length: number, size = 1) =>
  Float32Array.from({ length }, () => size * (2 * rng.uniform() - 1));

const x = parameterOf('x', [BATCH, CHANNELS], draw(BATCH * CHANNELS, 2));
const gamma = parameterOf('gamma', [CHANNELS], draw(CHANNELS));
const beta = parameterOf('beta', [CHANNELS], draw(CHANNELS, 0.5));
const frozen = { trainable: false };
const mean = { ...parameterOf('mean', [CHANNELS], new Float32Array(CHANNELS)), ...frozen };
const variance = { ...parameterOf('variance', [CHANNELS], draw(CHANNELS).fill(1)), ...frozen };
const scale = parameterOf('scale', [1], [0.005]);
const zeroPoint = parameterOf('zeroPoint', [1], [-3.2]);
const parameters = [x, gamma, beta, mean, variance, scale, zeroPoint];
const spec = (fixed: boolean): QuantizerSpec => ({
  ...{ name: 'y', method: 'learnedScale', target: 'activation', qmin: -128, qmax: 127, scale },
  ...(fixed ? { fixedZeroPoint: -128 } : { zeroPoint }),
});
const dy = draw(BATCH * CHANNELS);

interface Result {
  readonly q: number[];
  readonly gradients: (number[] | undefined)[];
}

/** Batch normalization, a clamp if it has a name, a quantizer; `read` computes what lies between. */
function chain(clamp: 'relu' | 'relu6' | undefined, read: boolean): Promise<Result> {
  return withTape(graphOf(parameters), ({ cx, tape, ref, gradientOf }: Eager) => {
    const settle = (y: ReturnType<typeof tape.input>) => {
      if (read) expect(cx.f32(y.ref)).toHaveLength(BATCH * CHANNELS);
      return y;
    };
    let y = tape.apply('batchNormalization', [x, gamma, beta, mean, variance], NORM as never);
    y = settle(y);
    if (clamp) y = settle(tape.apply(clamp, [y], {}));
    const quantized = tape.quantize(y, spec(clamp !== undefined), learnedScale);
    tape.backward(quantized, ref([BATCH, CHANNELS], dy));
    const learned = [x, gamma, beta, scale, zeroPoint];
    return { q: [...cx.i8(quantized.quantized!.q)], gradients: learned.map(gradientOf) };
  });
}

/** The same in float64 from the kernel's own q, by the definitions. */
function formulas(clamp: 'relu' | 'relu6' | undefined) {
  const column = (c: number) => Array.from(x.data).filter((_, i) => i % CHANNELS === c);
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const [lo, hi] = [clamp ? 0 : -Infinity, clamp === 'relu6' ? 6 : Infinity];
  const z = clamp ? -128 : -3;
  const inverse = f(1 / scale.data[0]!);
  const moments = Array.from({ length: CHANNELS }, (_, c) => {
    const mu = total(column(c)) / BATCH;
    const v = total(column(c).map((value) => (value - mu) ** 2)) / BATCH;
    return { mu, inverse: 1 / Math.sqrt(v + NORM.epsilon) };
  });
  const y = Array.from(x.data, (value, i) => {
    const { mu, inverse: inv } = moments[i % CHANNELS]!;
    return (value - mu) * inv * gamma.data[i % CHANNELS]! + beta.data[i % CHANNELS]!;
  });
  const u = y.map((value) => Math.min(hi, Math.max(lo, value)));
  const q = u.map((value) => Math.min(127, Math.max(-128, rte(value * inverse) + z)));
  const inside = u.map((value, i) => rte(value * inverse) + z === q[i]!);
  const slopes = u.map((value, i) => (inside[i] ? q[i]! - z - value * inverse : q[i]! - z));
  const g = y.map((value, i) => (inside[i] && value > lo && value < hi ? dy[i]! : 0));
  const xhat = Array.from(x.data, (value, i) => {
    const { mu, inverse: inv } = moments[i % CHANNELS]!;
    return (value - mu) * inv;
  });
  const by = (values: readonly number[]) =>
    moments.map((_, c) => total(values.filter((_, i) => i % CHANNELS === c)));
  const dbeta = by(g);
  const dgamma = by(g.map((value, i) => value * xhat[i]!));
  const dx = g.map((value, i) => {
    const c = i % CHANNELS;
    const centred = value - (dbeta[c]! + xhat[i]! * dgamma[c]!) / BATCH;
    return gamma.data[c]! * moments[c]!.inverse * centred;
  });
  const h = 1 / Math.sqrt(CHANNELS * 255);
  const dscale = h * total(slopes.map((slope, i) => slope * dy[i]!));
  const outside = total(dy.length ? inside.map((is, i) => (is ? 0 : dy[i]!)) : []);
  const dzero = -h * scale.data[0]! * outside;
  return { q, gradients: [dx, dgamma, dbeta, [dscale], clamp ? undefined : [dzero]] };
}

describe.each([undefined, 'relu', 'relu6'] as const)('normalization, %s, quantizer', (clamp) => {
  test(`one pass gives what its parts are by definition, seed ${SEED}`, async () => {
    const got = await chain(clamp, false);
    const expected = formulas(clamp);
    expect(got.q).toEqual(expected.q);
    expect(new Set(got.q).size).toBeGreaterThan(8);
    got.gradients.forEach((values, which) => {
      const want = expected.gradients[which];
      expect(values === undefined, parameters[which]!.name).toBe(want === undefined);
      // Sums of 13 or 78 f32 terms of at most 256 (slopes) or 3, each with a handful of roundings.
      const bound = which === 3 ? 78 * 8 * U * 256 : 32 * 8 * U * 3;
      values?.forEach((value, i) => {
        expect(Math.abs(value - want![i]!), `${which}[${i}]`).toBeLessThanOrEqual(bound);
      });
    });
  });

  test('reading what lies between changes no bit', async () => {
    expect(await chain(clamp, true)).toEqual(await chain(clamp, false));
  });
});

test('a normalization with two readers hands both gradients on', async () => {
  const learned = [x, gamma, beta];
  const gradients = (both: boolean) =>
    withTape(graphOf(parameters), ({ tape, ref, gradientOf }) => {
      const y = tape.apply('batchNormalization', [x, gamma, beta, mean, variance], NORM as never);
      const clamped = tape.apply('relu', [y], {});
      const out = both ? tape.apply('add', [clamped, y], {}) : clamped;
      tape.backward(out, ref([BATCH, CHANNELS], dy));
      return learned.map((parameter) => gradientOf(parameter)!);
    });
  const plain = await withTape(graphOf(parameters), ({ tape, ref, gradientOf }) => {
    const y = tape.apply('batchNormalization', [x, gamma, beta, mean, variance], NORM as never);
    tape.backward(y, ref([BATCH, CHANNELS], dy));
    return learned.map((parameter) => gradientOf(parameter)!);
  });
  const clamped = await gradients(false);
  const sum = await gradients(true);
  // The gradient is linear in dy: three roundings of sums below 16.
  sum.forEach((values, which) => {
    values.forEach((value, i) => {
      const expected = clamped[which]![i]! + plain[which]![i]!;
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(32 * U * 16);
    });
  });
});
