import { describe, expect, test } from 'vitest';
import { deriveRanges, valuesOf } from '../../src/autograd/quantizer.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Parameter, QuantizerSpec } from '../../src/graph/graph.ts';
import { ewgsWith } from '../../src/quant/ewgs.ts';
import type { Method } from '../../src/quant/method.ts';
import { methods } from '../../src/quant/methods.ts';
import { graphOf, parameterOf, withTape } from '../autograd/eager.ts';
import { fakequantize, rte } from '../reference/f32/fakequant.ts';
import {
  activationElement,
  type Element,
  scaledGradient,
  weightElement,
} from '../reference/f32/ranges.ts';

const SEED = 91;
const U = 2 ** -24;
const f = Math.fround;

const rng = new Rng(SEED);
const draw = (length: number, range: number) =>
  Float32Array.from({ length }, () => range * (2 * rng.uniform() - 1));

const [BATCH, FEATURES, UNITS] = [11, 14, 6];
const [QMIN, QMAX] = [-128, 127];
const WEIGHTS = [-7, 7] as const;

/** Large enough to be seen beside rounding errors. */
const DELTA = 0.5;

const learning: Readonly<Record<string, Method>> = {
  learnedScale: methods.learnedScale,
  lsq: methods.lsq,
  lsqPlus: methods.lsqPlus,
  pact: methods.pact,
  tqt: methods.tqt,
  ewgs: ewgsWith(DELTA),
};

interface Setup {
  readonly x: Parameter;
  readonly w: Parameter;
  readonly activation: QuantizerSpec;
  readonly weights: QuantizerSpec;
}

/** A method's own parameters, unset; `tqt` has seen gradients of size 2 before. */
function ownOf(name: string, layout: Method['weights'], clamped: boolean, scales: number) {
  const seen: Readonly<Record<string, number>> = { squares: 4, weight: 1 };
  const own = Object.entries(layout.own?.(clamped) ?? {}).map(([key, { trained = true }]) => {
    const values = new Float32Array(scales).fill(seen[key] ?? 0);
    return [key, { ...parameterOf(`${name}/${key}`, [scales], values), trainable: trained }];
  });
  return { own: Object.fromEntries(own) as Readonly<Record<string, Parameter>> };
}

/** Ranges that some values leave on both sides, by a good deal and by less than half an integer; a learned zero point is no integer. */
function setUp(method: string, clamped: boolean): Setup {
  const rule = learning[method]!;
  const { activations: layout } = rule;
  const trained = (parameter: Parameter, trainable = false) => ({ ...parameter, trainable });
  const symmetric = layout.zeroPoint === 'symmetric';
  const learned = layout.zeroPoint === 'learned';
  const zero = parameterOf('x/zeroPoint', [1], [learned ? -9.7 : -10]);
  const scales = draw(UNITS, 0.02).map((s) => 0.11 + s);
  const activation: QuantizerSpec = {
    ...{ name: 'x', method, target: 'activation', qmin: QMIN, qmax: QMAX },
    scale: trained(parameterOf('x/scale', [1], [f(clamped ? 0.0062 : 0.0123)]), layout.scale),
    ...(clamped || symmetric
      ? { fixedZeroPoint: clamped ? QMIN : 0 }
      : { zeroPoint: trained(zero, learned) }),
    ...ownOf('x', layout, clamped, 1),
  };
  const weights: QuantizerSpec = {
    ...{ name: 'w', method, target: 'weight', qmin: WEIGHTS[0], qmax: WEIGHTS[1], axis: 0 },
    scale: trained(parameterOf('w/scale', [UNITS], scales), rule.weights.scale),
    ...ownOf('w', rule.weights, false, UNITS),
  };
  const x = parameterOf('x', [BATCH, FEATURES], draw(BATCH * FEATURES, 2.5));
  const w = parameterOf('w', [UNITS, FEATURES], draw(UNITS * FEATURES, 1));
  for (const spec of [activation, weights]) rule.start?.(valuesOf(spec), spec);
  const graph = { ...graphOf([]), quantizers: new Map([activation, weights].entries()) };
  deriveRanges(graph, { [method]: rule });
  // The ends of the range, and ties beside them.
  const { scale, zeroPoint } = paramsOf(activation);
  x.data.set([QMIN, QMAX, QMIN - 0.5, QMAX + 0.5, 3.5].map((q) => (q - zeroPoint) * scale));
  const [step] = weights.scale.data;
  w.data.set([WEIGHTS[0], WEIGHTS[1], WEIGHTS[0] - 0.25, WEIGHTS[1] + 0.25].map((q) => q * step!));
  return { x, w, activation, weights };
}

function paramsOf({ scale: { data }, zeroPoint, fixedZeroPoint }: QuantizerSpec) {
  const scale = data[0]!;
  const z = fixedZeroPoint ?? Math.round(zeroPoint!.data[0]!);
  return { scale, inverseScale: f(1 / scale), zeroPoint: z, qmin: QMIN, qmax: QMAX };
}

/** y = dense(x̂, ŵ) backward from dy: y, and gradients by name of the parameter. */
function backward({ x, w, activation, weights }: Setup, dy: Float32Array, rule: Method) {
  const ranges = [activation, weights].flatMap(({ scale, zeroPoint, own = {} }) => [
    ...[scale, zeroPoint ?? [], Object.values(own)].flat(),
  ]);
  const parameters = [x, w, ...ranges];
  return withTape(graphOf(parameters), ({ tape, ref, gradientOf, read }) => {
    const quantized = tape.quantize(tape.parameter(x), activation, rule);
    const weight = tape.quantizeWeights(tape.parameter(w), weights, rule);
    const y = tape.apply('dense', [quantized, weight], {});
    const values = read(y);
    tape.backward(y, ref([BATCH, UNITS], dy));
    return { y: values, gradients: new Map(parameters.map((p) => [p.name, gradientOf(p)])) };
  });
}

interface Sum {
  readonly value: number;
  readonly size: number;
}

function sum(n: number, term: (i: number) => number): Sum {
  let [value, size] = [0, 0];
  for (let i = 0; i < n; i++) {
    value += term(i);
    size += Math.abs(term(i));
  }
  return { value, size };
}

/** What the papers say, in float64 from the kernel's own f32 v. */
function formulas(method: string, { x, w, activation, weights }: Setup, dy: Float32Array) {
  const params = paramsOf(activation);
  // Without an offset of its own LSQ+ is LSQ.
  const ofActivation = method === 'lsqPlus' && !activation.own?.beta ? 'lsq' : method;
  const scaleOf = (i: number) => weights.scale.data[Math.floor(i / FEATURES)]!;
  const xq = Float64Array.from(x.data, (value) => fakequantize(params, value).value);
  const wq = Float64Array.from(w.data, (value, i) => {
    const s = scaleOf(i);
    const range = { qmin: WEIGHTS[0], qmax: WEIGHTS[1] };
    return fakequantize({ scale: s, inverseScale: f(1 / s), zeroPoint: 0, ...range }, value).value;
  });
  const dxq = Array.from(x.data, (_, i) => {
    const [n, k] = [Math.floor(i / FEATURES), i % FEATURES];
    return sum(UNITS, (u) => dy[n * UNITS + u]! * wq[u * FEATURES + k]!);
  });
  const dwq = Array.from(w.data, (_, i) => {
    const [u, k] = [Math.floor(i / FEATURES), i % FEATURES];
    return sum(BATCH, (n) => dy[n * UNITS + u]! * xq[n * FEATURES + k]!);
  });
  const ofX = Array.from(x.data, (value, i) =>
    activationElement(ofActivation, params, value, dxq[i]!.value, FEATURES),
  );
  const ofW = Array.from(w.data, (value, i) =>
    weightElement(method, WEIGHTS, scaleOf(i), value, dwq[i]!.value, FEATURES),
  );
  const vOf = (value: number, inverse: number) => f(value * inverse);
  const ewgs = (dx: number, v: number, levels: number) =>
    method === 'ewgs' ? scaledGradient(dx, v, rte(v), DELTA, levels) : dx;
  return {
    ...{ xq, wq, dxq, dwq, ofX, ofW },
    dx: ofX.map(({ dx }, i) => ewgs(dx, vOf(x.data[i]!, params.inverseScale), QMAX - QMIN)),
    dw: ofW.map(({ dx }, i) => ewgs(dx, vOf(w.data[i]!, f(1 / scaleOf(i))), 14)),
  };
}

/**
 * A sum of gradients: each term is off by 4 roundings of |g|(|v| + |q|) and by the roundings of g itself, a sum of at most
 * 14 products in f32 (16·U·Σ|terms| of g, times a slope of at most 256); sums add 18 roundings.
 */
function expectSum(
  got: number,
  elements: readonly Element[],
  name: string,
  g: readonly Sum[],
  norm: (value: number) => number,
  what: string,
): void {
  let [value, bound] = [0, 0];
  elements.forEach(({ dx, terms }, i) => {
    const one = terms[name]!;
    value += one.value;
    const share =
      one.value === 0 && one.size === 0 ? 0 : one.size / Math.abs(dx || g[i]!.value || 1);
    bound += 32 * U * one.size + 16 * U * g[i]!.size * share;
  });
  const [low, high] = [norm(value - bound), norm(value + bound)];
  // What follows the sum is rounded a few times more.
  const slack = 8 * U * Math.abs(norm(value));
  expect(got, `${what} of seed ${SEED}`).toBeGreaterThanOrEqual(Math.min(low, high) - slack);
  expect(got, `${what} of seed ${SEED}`).toBeLessThanOrEqual(Math.max(low, high) + slack);
}

/** Jain 2020, §B.3, after gradients of size 2: a tenth of tanh(g / √ν). */
function normOf(method: string): (value: number) => number {
  if (method !== 'tqt') return (value) => value;
  return (g) => 0.1 * Math.tanh(g / Math.sqrt((0.999 * 4 + 0.001 * g * g) / 1));
}

const cases = Object.keys(learning).flatMap((method) =>
  [false, true].map((clamped) => ({ method, clamped })),
);

describe.each(cases)('$method through the tape, zero point at qmin: $clamped', (one) => {
  const { method, clamped } = one;
  const rule = learning[method]!;
  const setup = setUp(method, clamped);
  const dy = draw(BATCH * UNITS, 1);
  const expected = formulas(method, setup, dy);
  const { x, w, activation, weights } = setup;
  const norm = normOf(method);

  test('the forward is the product of the fake-quantized', async () => {
    const { y } = await backward(setup, dy, rule);
    y.forEach((value, i) => {
      const [n, u] = [Math.floor(i / UNITS), i % UNITS];
      const want = sum(
        FEATURES,
        (k) => expected.xq[n * FEATURES + k]! * expected.wq[u * FEATURES + k]!,
      );
      // The accumulator is exact; s_x·s_w, acc·M and the reference's x̂ and ŵ are rounded: 5 roundings.
      expect(Math.abs(value - want.value), `y[${i}]`).toBeLessThanOrEqual(5 * U * want.size);
    });
  });

  test('dx and dw pass where the range holds the value', async () => {
    const { gradients } = await backward(setup, dy, rule);
    for (const [parameter, parts, g] of [
      [x, expected.dx, expected.dxq],
      [w, expected.dw, expected.dwq],
    ] as const) {
      expect(parts.filter((dx) => dx === 0).length).toBeGreaterThan(3);
      gradients.get(parameter.name)!.forEach((value, i) => {
        // A sum of at most 14 products; EWGS rounds its share, at most a quarter of it, thrice more.
        const bound = parts[i] === 0 ? 0 : 20 * U * g[i]!.size;
        const what = `d${parameter.name}[${i}]`;
        expect(Math.abs(value - parts[i]!), what).toBeLessThanOrEqual(bound);
      });
    }
  });

  test('parameters of the activation: as in the paper, N the features of one example', async () => {
    const { gradients } = await backward(setup, dy, rule);
    const { scale, zeroPoint, own = {} } = activation;
    const parameters = { scale, ...(zeroPoint && { zeroPoint }), ...own };
    const trained = Object.entries(parameters).filter(([, { trainable }]) => trainable);
    expect(trained.length).toBeGreaterThan(0);
    for (const [name, parameter] of trained) {
      const got = gradients.get(parameter.name)![0]!;
      expectSum(got, expected.ofX, name, expected.dxq, norm, `d${parameter.name}`);
    }
  });

  test('parameters of the weights: as in the paper, N the weights of one channel', async () => {
    const { gradients } = await backward(setup, dy, rule);
    const [name, parameter] = weights.scale.trainable
      ? (['scale', weights.scale] as const)
      : (['log2Threshold', weights.own!.log2Threshold!] as const);
    for (let u = 0; u < UNITS; u++) {
      const own = [u * FEATURES, (u + 1) * FEATURES] as const;
      const [elements, g] = [expected.ofW.slice(...own), expected.dwq.slice(...own)];
      const got = gradients.get(parameter.name)![u]!;
      expectSum(got, elements, name, g, norm, `d${parameter.name}[${u}]`);
    }
  });

  test('what is not trained has no gradient', async () => {
    const { gradients } = await backward(setup, dy, rule);
    for (const { scale, zeroPoint, own = {} } of [activation, weights]) {
      for (const parameter of [scale, zeroPoint ?? [], Object.values(own)].flat()) {
        expect(gradients.get(parameter.name) !== undefined).toBe(parameter.trainable);
      }
    }
  });
});

test.each(['movingAverage', 'minMax', 'lastValue'] as const)(
  '%s learns nothing and passes gradients straight through',
  async (method) => {
    const { x, w, activation, weights } = setUp('lsq', false);
    // A moving average that has seen nothing; the others have seen 0.
    const weight = method === 'movingAverage' ? 0 : 1;
    const state = { ...parameterOf('x/state', [3], [0, 0, weight]), trainable: false };
    const frozen = (p: Parameter) => ({ ...p, trainable: false });
    const observed: Setup = {
      ...{ x, w, weights: { ...weights, scale: frozen(weights.scale) } },
      activation: { ...activation, state, scale: frozen(activation.scale) },
    };
    const { scale, zeroPoint } = observed.activation;
    const parameters = [x, w, state, scale, zeroPoint!, observed.weights.scale];
    await withTape(graphOf(parameters), ({ tape, ref, gradientOf }) => {
      const quantized = tape.quantize(tape.parameter(x), observed.activation, methods[method]);
      const ones = new Float32Array(BATCH * FEATURES).fill(1);
      tape.backward(quantized, ref([BATCH, FEATURES], ones));
      // The range is that of the first batch or holds it: nothing lies outside, the ends but for half a step.
      const passed = gradientOf(x)!.filter((g) => g === 1).length;
      expect(passed).toBeGreaterThanOrEqual(x.data.length - 2);
      expect(parameters.slice(2).map(gradientOf)).toEqual(Array(4).fill(undefined));
    });
  },
);
