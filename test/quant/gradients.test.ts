import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { Parameter, QuantizerSpec } from '../../src/graph/graph.ts';
import { lsq } from '../../src/quant/lsq.ts';
import { movingAverage } from '../../src/quant/movingAverage.ts';
import { graphOf, parameterOf, withTape } from '../autograd/eager.ts';
import {
  fakequantGradient,
  fakequantize,
  type Gradient,
  lsqGradient,
} from '../reference/f32/fakequant.ts';

const SEED = 91;
const U = 2 ** -24;
const f = Math.fround;

const rng = new Rng(SEED);
const draw = (length: number, range: number) =>
  Float32Array.from({ length }, () => range * (2 * rng.uniform() - 1));

interface Setup {
  readonly x: Parameter;
  readonly w: Parameter;
  readonly activation: QuantizerSpec;
  readonly weights: QuantizerSpec;
}

const [BATCH, FEATURES, UNITS] = [11, 14, 6];

/** Ranges that some values leave on both sides; the learned zero point is no integer. */
function setUp(fixed: boolean): Setup {
  const scale = parameterOf('x/scale', [1], [f(0.0123)]);
  const ends = { qmin: -128, qmax: 127 } as const;
  const zero = parameterOf('x/zeroPoint', [1], [-9.7]);
  return {
    x: parameterOf('x', [BATCH, FEATURES], draw(BATCH * FEATURES, 2)),
    w: parameterOf('w', [UNITS, FEATURES], draw(UNITS * FEATURES, 1)),
    activation: {
      ...{ name: 'x', method: 'lsq', target: 'activation', ...ends, scale },
      ...(fixed ? { fixedZeroPoint: -128 } : { zeroPoint: zero }),
    },
    weights: {
      ...{ name: 'w', method: 'lsq', target: 'weight', qmin: -7, qmax: 7, axis: 0 },
      scale: parameterOf(
        'w/scale',
        [UNITS],
        draw(UNITS, 0.02).map((s) => 0.11 + s),
      ),
    },
  };
}

/** y = dense(x̂, ŵ) backward from dy: gradients of all parameters. */
function backward({ x, w, activation, weights }: Setup, dy: Float32Array, rule = lsq) {
  const parameters = [x, w, activation.scale, activation.zeroPoint ?? [], weights.scale].flat();
  return withTape(graphOf(parameters), ({ tape, ref, gradientOf, read }) => {
    const quantized = tape.quantize(tape.parameter(x), activation, rule);
    const y = tape.apply(
      'dense',
      [quantized, tape.quantizeWeights(tape.parameter(w), weights, rule)],
      {},
    );
    const values = read(y);
    tape.backward(y, ref([BATCH, UNITS], dy));
    return { y: values, gradients: new Map(parameters.map((p) => [p, gradientOf(p)])) };
  });
}

/** What the formulas say, in float64 from the kernel's own f32 v (facts: LSQ, learned scale and zero point). */
function formulas({ x, w, activation, weights }: Setup, dy: Float32Array) {
  const scale = activation.scale.data[0]!;
  const zeroPoint = activation.fixedZeroPoint ?? Math.round(activation.zeroPoint!.data[0]!);
  const params = { scale, inverseScale: f(1 / scale), zeroPoint, qmin: -128, qmax: 127 };
  const xq = Float64Array.from(x.data, (value) => fakequantize(params, value).value);
  const wq = Float64Array.from(w.data, (value, i) => {
    const s = weights.scale.data[Math.floor(i / FEATURES)]!;
    const inverse = f(1 / s);
    return fakequantize({ scale: s, inverseScale: inverse, zeroPoint: 0, qmin: -7, qmax: 7 }, value)
      .value;
  });
  const sum = (n: number, term: (i: number) => number) => {
    let [value, size] = [0, 0];
    for (let i = 0; i < n; i++) {
      value += term(i);
      size += Math.abs(term(i));
    }
    return { value, size };
  };
  const dxq = Array.from(x.data, (_, i) => {
    const [n, k] = [Math.floor(i / FEATURES), i % FEATURES];
    return sum(UNITS, (u) => dy[n * UNITS + u]! * wq[u * FEATURES + k]!);
  });
  const dwq = Array.from(w.data, (_, i) => {
    const [u, k] = [Math.floor(i / FEATURES), i % FEATURES];
    return sum(BATCH, (n) => dy[n * UNITS + u]! * xq[n * FEATURES + k]!);
  });
  return {
    xq,
    wq,
    dxq,
    dwq,
    x: Array.from(x.data, (value, i) => fakequantGradient(params, value, dxq[i]!.value)),
    w: Array.from(w.data, (value, i) =>
      lsqGradient(-7, 7, weights.scale.data[Math.floor(i / FEATURES)]!, value, dwq[i]!.value),
    ),
  };
}

/**
 * A sum of gradients: each term is off by 4 roundings of |g|(|v| + |q|) and by the roundings of g itself, a sum of at most
 * 14 products in f32 (16·U·Σ|terms| of g, times |slope| ≤ 128 + 0.5); sums add 18 roundings.
 */
function expectSum(
  got: number,
  parts: readonly Gradient[],
  of: 'dscale' | 'dzero',
  g: readonly { size: number }[],
  h: number,
  what: string,
): void {
  const expected = parts.reduce((total, part) => total + part[of], 0) * h;
  const slope = of === 'dscale' ? 128.5 : 1;
  const bound = parts.reduce(
    (total, part, i) => total + 32 * U * part.size + 16 * U * g[i]!.size * slope,
    0,
  );
  expect(Math.abs(got - expected), `${what} of seed ${SEED}`).toBeLessThanOrEqual(bound * h);
}

describe.each([false, true])('LSQ through the tape, fixed zero point: %s', (fixed) => {
  const setup = setUp(fixed);
  const dy = draw(BATCH * UNITS, 1);
  const expected = formulas(setup, dy);
  const { x, w, activation, weights } = setup;

  test('the forward is the product of the fake-quantized', async () => {
    const { y } = await backward(setup, dy);
    y.forEach((value, i) => {
      const [n, u] = [Math.floor(i / UNITS), i % UNITS];
      let [sum, size] = [0, 0];
      for (let k = 0; k < FEATURES; k++) {
        const term = expected.xq[n * FEATURES + k]! * expected.wq[u * FEATURES + k]!;
        sum += term;
        size += Math.abs(term);
      }
      // The accumulator is exact; s_x·s_w, acc·M and the reference's x̂ and ŵ are rounded: 5 roundings.
      expect(Math.abs(value - sum), `y[${i}]`).toBeLessThanOrEqual(5 * U * size);
    });
  });

  test('dx and dw pass where the range holds the value', async () => {
    const { gradients } = await backward(setup, dy);
    for (const [parameter, parts, g] of [
      [x, expected.x, expected.dxq],
      [w, expected.w, expected.dwq],
    ] as const) {
      const masked = parts.filter(({ dx }) => dx === 0).length;
      expect(masked).toBeGreaterThan(3);
      gradients.get(parameter)!.forEach((value, i) => {
        const bound = parts[i]!.dx === 0 ? 0 : 16 * U * g[i]!.size;
        expect(Math.abs(value - parts[i]!.dx), `d${parameter.name}[${i}]`).toBeLessThanOrEqual(
          bound,
        );
      });
    }
  });

  test('ds_x is h Σ g·∂x̂/∂s with N the features of one example', async () => {
    const { gradients } = await backward(setup, dy);
    const h = 1 / Math.sqrt(FEATURES * 255);
    expectSum(gradients.get(activation.scale)![0]!, expected.x, 'dscale', expected.dxq, h, 'ds_x');
  });

  test('ds_w is h Σ g·∂ŵ/∂s with N the weights of one channel', async () => {
    const { gradients } = await backward(setup, dy);
    const h = 1 / Math.sqrt(FEATURES * 7);
    for (let u = 0; u < UNITS; u++) {
      const own = [u * FEATURES, (u + 1) * FEATURES] as const;
      const got = gradients.get(weights.scale)![u]!;
      expectSum(
        got,
        expected.w.slice(...own),
        'dscale',
        expected.dwq.slice(...own),
        h,
        `ds_w[${u}]`,
      );
    }
  });

  test('dz is −s outside the range, and none exists for a fixed zero point', async () => {
    const { gradients } = await backward(setup, dy);
    const { zeroPoint } = activation;
    expect(zeroPoint === undefined).toBe(fixed);
    if (!zeroPoint) return;
    const h = 1 / Math.sqrt(FEATURES * 255);
    expectSum(gradients.get(zeroPoint)![0]!, expected.x, 'dzero', expected.dxq, h, 'dz');
  });
});

test('moving averages learn nothing and pass gradients straight through', async () => {
  const setup = setUp(false);
  const state = { ...parameterOf('x/state', [3], [0, 0, 0]), trainable: false };
  const { x, w, activation, weights } = setup;
  const frozen = (p: Parameter) => ({ ...p, trainable: false });
  const observed: Setup = {
    x,
    w,
    activation: {
      ...activation,
      ...{ state, scale: frozen(activation.scale), zeroPoint: frozen(activation.zeroPoint!) },
    },
    weights: { ...weights, scale: frozen(weights.scale) },
  };
  const parameters = [
    x,
    w,
    state,
    observed.activation.scale,
    observed.activation.zeroPoint!,
    observed.weights.scale,
  ];
  await withTape(graphOf(parameters), ({ tape, ref, gradientOf }) => {
    const quantized = tape.quantize(tape.parameter(x), observed.activation, movingAverage);
    tape.backward(quantized, ref([BATCH, FEATURES], new Float32Array(BATCH * FEATURES).fill(1)));
    // The first batch sets the range to its own bounds: nothing lies outside, the ends but for half a step.
    expect(gradientOf(x)!.filter((g) => g === 1).length).toBeGreaterThanOrEqual(x.data.length - 2);
    expect(parameters.slice(2).map(gradientOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
