import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { quantize, scaleAcc } from '../../src/core/rounding.ts';
import type { Parameter, QuantizerSpec } from '../../src/graph/graph.ts';
import { lsq } from '../../src/quant/lsq.ts';
import { graphOf, parameterOf, withTape } from '../autograd/eager.ts';
import { gruUnitBackward, lstmUnitBackward } from '../reference/f32/recurrent.ts';
import { gruUnit, lstmUnit } from '../reference/int8/recurrent.ts';

const SEED = 93;
const f = Math.fround;
const [BATCH, STEPS, FEATURES, UNITS] = [3, 4, 5, 6];
const X_SCALE = f(0.009);

const table = Float32Array.from({ length: 1024 }, (_, i) => 1 / (1 + Math.exp((512 - i) / 64)));

const kinds = {
  lstm: { gates: 4, biases: 1 },
  gru: { gates: 3, biases: 2 },
} as const;
type Name = keyof typeof kinds;

function setUp(name: Name) {
  const { gates, biases } = kinds[name];
  const rows = gates * UNITS;
  const rng = new Rng(SEED);
  const draw = (n: number, size: number) =>
    Float32Array.from({ length: n }, () => size * (2 * rng.uniform() - 1));
  const weights = (label: string, columns: number): { w: Parameter; spec: QuantizerSpec } => {
    const scale = parameterOf(
      `${label}/scale`,
      [rows],
      draw(rows, 0.001).map((s) => 0.006 + s),
    );
    const range = { qmin: -127, qmax: 127, axis: 0 } as const;
    return {
      // Nothing is clipped: 0.005 · 127 is above 0.6.
      w: parameterOf(label, [rows, columns], draw(rows * columns, 0.6)),
      spec: { name: label, method: 'lsq', target: 'weight', ...range, scale },
    };
  };
  const x = parameterOf('x', [BATCH, STEPS, FEATURES], draw(BATCH * STEPS * FEATURES, 1));
  const activation: QuantizerSpec = {
    ...{ name: 'x', method: 'lsq', target: 'activation', qmin: -128, qmax: 127 },
    scale: parameterOf('x/scale', [1], [X_SCALE]),
    fixedZeroPoint: 7,
  };
  const bias = parameterOf('b', biases === 1 ? [rows] : [2, rows], draw(rows * biases, 0.5));
  return { x, activation, kernel: weights('w', FEATURES), recurrent: weights('u', UNITS), bias };
}

type Setup = ReturnType<typeof setUp>;

/** Integers of weights, and their scales. */
function integersOf({ w, spec }: Setup['kernel']) {
  const columns = w.shape[1]!;
  const scale = Array.from(spec.scale.data);
  const q = Array.from(w.data, (value, i) =>
    quantize(value, f(1 / scale[Math.floor(i / columns)]!), 0, -127, 127),
  );
  const real = q.map((value, i) => value * scale[Math.floor(i / columns)]!);
  return { columns, scale, q, real };
}

/** y, and gradients by the formulas of quantization.md §6 in float64 from the integers of (30) to (33). */
function formulas(name: Name, s: Setup, dy: Float32Array) {
  const { gates, biases } = kinds[name];
  const rows = gates * UNITS;
  const [w, u] = [integersOf(s.kernel), integersOf(s.recurrent)];
  const b = s.bias.data;
  const xq = Array.from(s.x.data, (value) => quantize(value, f(1 / X_SCALE), 7, -128, 127) - 7);
  const entries = (r: number) => (Math.floor(r / UNITS) === 2 ? 128 : 64);
  const product = (m: typeof w, q: readonly number[], scale: number, add: (r: number) => number) =>
    Array.from({ length: rows }, (_, r) => {
      const acc = q.reduce((sum, value, c) => sum + value * m.q[r * m.columns + c]!, 0);
      const multiplier = f(scale * m.scale[r]! * entries(r));
      return scaleAcc(acc, 0, multiplier, f(add(r) * entries(r)));
    });
  const unit = name === 'lstm' ? lstmUnit : gruUnit;
  const d = {
    x: new Float64Array(s.x.data.length),
    w: new Float64Array(w.q.length),
    u: new Float64Array(u.q.length),
    b: new Float64Array(b.length),
  };
  const y = new Float64Array(BATCH * STEPS * UNITS);
  for (let n = 0; n < BATCH; n++) {
    const sampleOf = (t: number) => {
      const at = (n * STEPS + t) * FEATURES;
      return xq.slice(at, at + FEATURES);
    };
    const states = [Array.from({ length: UNITS }, () => 0)];
    const hidden = [Array.from({ length: UNITS }, () => 0)];
    const made = Array.from({ length: STEPS }, (_, t) => {
      const a = product(w, sampleOf(t), X_SCALE, (r) => b[r]!);
      const second = (r: number) => (biases === 2 ? b[rows + r]! : 0);
      const h = product(u, hidden[t]!, 1 / 128, second);
      const units = Array.from({ length: UNITS }, (_, j) => {
        const of = (v: readonly number[]) =>
          Array.from({ length: gates }, (_, k) => v[k * UNITS + j]!);
        return unit(table, of(a), of(h), states[t]![j]!);
      });
      states.push(units.map(({ after }) => after));
      hidden.push(units.map(({ q }) => q));
      units.forEach((one, j) => {
        y[(n * STEPS + t) * UNITS + j] = one.y;
      });
      return units;
    });
    let [back, dstate] = [new Float64Array(UNITS), new Float64Array(UNITS)];
    for (let t = STEPS - 1; t >= 0; t--) {
      const [da, dh] = [new Float64Array(rows), new Float64Array(rows)];
      const direct = new Float64Array(UNITS);
      made[t]!.forEach((one, j) => {
        const g = dy[(n * STEPS + t) * UNITS + j]! + back[j]!;
        const before = states[t]![j]!;
        const gates = one.gates as never;
        const parts =
          name === 'lstm'
            ? { dh: undefined, ...lstmUnitBackward(gates, before, one.extra, g, dstate[j]!) }
            : gruUnitBackward(gates, before, one.extra / 128, g);
        parts.dx.forEach((value, k) => {
          da[k * UNITS + j] = value;
          dh[k * UNITS + j] = parts.dh?.[k] ?? value;
        });
        direct[j] = parts.dstate;
      });
      const sample = sampleOf(t);
      back = new Float64Array(UNITS);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < FEATURES; c++) {
          d.w[r * FEATURES + c]! += da[r]! * sample[c]! * X_SCALE;
          d.x[(n * STEPS + t) * FEATURES + c]! += da[r]! * w.real[r * FEATURES + c]!;
        }
        for (let c = 0; c < UNITS; c++) {
          d.u[r * UNITS + c]! += (dh[r]! * hidden[t]![c]!) / 128;
          back[c]! += dh[r]! * u.real[r * UNITS + c]!;
        }
        d.b[r]! += da[r]!;
        if (biases === 2) d.b[rows + r]! += dh[r]!;
      }
      if (name === 'lstm') dstate = direct;
      else back = back.map((value, j) => value + direct[j]!);
    }
  }
  return { y, d };
}

describe.each(Object.keys(kinds) as Name[])('%s on a tape', (name) => {
  test('gives the reals of (31) or (32), and straight-through gradients from their integers', async () => {
    const s = setUp(name);
    const rng = new Rng(SEED + 1);
    const dy = Float32Array.from({ length: BATCH * STEPS * UNITS }, () => 2 * rng.uniform() - 1);
    const parameters = [s.x, s.kernel.w, s.recurrent.w, s.bias, s.activation.scale];
    const scales = [s.kernel.spec.scale, s.recurrent.spec.scale];
    const got = await withTape(graphOf([...parameters, ...scales]), (eager) => {
      const { tape, ref, read, gradientOf } = eager;
      const x = tape.quantize(tape.parameter(s.x), s.activation, lsq);
      const w = tape.quantizeWeights(tape.parameter(s.kernel.w), s.kernel.spec, lsq);
      const u = tape.quantizeWeights(tape.parameter(s.recurrent.w), s.recurrent.spec, lsq);
      const attrs = { units: UNITS, returnSequences: true, goBackwards: false };
      const y = tape.apply(name, [x, w, u, tape.parameter(s.bias)], attrs);
      const values = read(y);
      tape.backward(y, ref([BATCH, STEPS, UNITS], dy));
      const [dx, dw, du, db] = parameters.map(gradientOf);
      return { y: values, d: { x: dx!, w: dw!, u: du!, b: db! } };
    });
    const want = formulas(name, s, dy);
    // Every bit: f32 at each step.
    expect(got.y).toEqual([...want.y]);
    // Sums of at most BATCH · STEPS products of values below 4, with some 50 roundings on the way through time.
    const bound = BATCH * STEPS * 4 * 50 * 2 ** -24;
    for (const part of ['x', 'w', 'u', 'b'] as const) {
      got.d[part].forEach((value, i) => {
        expect(Math.abs(value - want.d[part][i]!), `d${part}[${i}]`).toBeLessThan(bound);
      });
      expect(Math.max(...want.d[part].map(Math.abs)), `d${part}`).toBeGreaterThan(100 * bound);
    }
  });
});
