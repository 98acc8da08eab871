import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  gruUnit,
  gruUnitBackward,
  lstmUnit,
  lstmUnitBackward,
} from '../../reference/f32/recurrent.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

const BATCH = 3;
/** Around lanes of four. */
const unitCounts = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17];
type Name = 'lstm' | 'gru';
const gatesOf = { lstm: 4, gru: 3 } as const;

/** Samples lie among others: strides are larger than what they hold, and each another. */
function strides(units: number, gates: number) {
  return { gateStride: gates * units + 3, stateStride: units + 1, outStride: units + 5 };
}

type Floats = Float32Array<ArrayBuffer>;
type Results = Record<string, Floats>;

/** The values of unit j of sample n in the blocks of a tensor. */
const blocks = (data: Floats, at: number, units: number, count: number) =>
  Array.from({ length: count }, (_, k) => data[at + k * units]!);

/** Runs both implementations on the same operands, compares them with each other, and gives the results of one. */
function both(context: string, run: (k: (typeof modules)[number]['kernels']) => Results): Results {
  const [simd, scalar] = modules.map(({ kernels }) => {
    guarded.reset();
    const results = run(kernels);
    guarded.check();
    return results;
  });
  for (const [name, values] of Object.entries(simd!)) {
    expectSame(values, scalar![name]!, `${context}: ${name}, simd128 against scalar`);
  }
  return simd!;
}

function operands(name: Name, units: number, size: number) {
  const gates = gatesOf[name];
  const s = strides(units, gates);
  const rng = new Rng(units);
  return {
    s,
    x: floats(rng, BATCH * s.gateStride, size),
    h: floats(rng, BATCH * gates * units, size),
    before: floats(rng, BATCH * s.stateStride),
    filled: (stride: number) => new Float32Array(BATCH * stride).fill(7),
  };
}

function forward(name: Name, units: number, size: number) {
  const { s, x, h, before, filled } = operands(name, units, size);
  const results = both(`${name} ${units}`, (kernels) => {
    const params = guarded.params('RecurrentParams', {
      batch: BATCH,
      units,
      ...s,
      table: 0,
    }).pointer;
    const gates = guarded.inout(x, 'x');
    const [after, extra] = [
      guarded.inout(filled(s.stateStride)),
      guarded.inout(filled(s.stateStride)),
    ];
    const y = guarded.inout(filled(s.outStride), 'y');
    const ph = guarded.input(h, 'h').pointer;
    const pb = guarded.input(before, 'before').pointer;
    const outs = [after.pointer, extra.pointer, y.pointer] as const;
    kernels[`f32_${name}_gates`](params, gates.pointer, ph, pb, ...outs);
    return { gates: gates.read(), after: after.read(), extra: extra.read(), y: y.read() };
  });
  return { s, x, h, before, results: results as Record<'gates' | 'after' | 'extra' | 'y', Floats> };
}

describe.each(['lstm', 'gru'] as const)('f32_%s_gates', (name) => {
  const gates = gatesOf[name];

  test.each(unitCounts)('%i units: equations, strides and twin', (units) => {
    for (const size of [0.5, 6]) {
      const { s, x, h, before, results } = forward(name, units, size);
      for (let n = 0; n < BATCH; n++) {
        for (let j = 0; j < units; j++) {
          const xs = blocks(x, n * s.gateStride + j, units, gates);
          const hs = blocks(h, n * gates * units + j, units, gates);
          const state = before[n * s.stateStride + j]!;
          const sum = xs.map((value, k) => Math.fround(value + hs[k]!));
          const want = name === 'lstm' ? lstmUnit(sum, state) : gruUnit(xs, hs, state);
          const got = {
            gates: blocks(results.gates, n * s.gateStride + j, units, gates),
            rest: [
              results.after[n * s.stateStride + j]!,
              results.extra[n * s.stateStride + j]!,
              results.y[n * s.outStride + j]!,
            ],
          };
          const context = `${name} ${units} units, sample ${n}, unit ${j}`;
          // One rounding of a gate, and of g of a GRU those of a product and a sum no larger than 2·size before it.
          expectClose(got.gates, want.gates, () => (2 + 4 * size) * ULP, context);
          // Gates below 1 and states below 2: the errors of three gates and four roundings, slopes at most 1.
          const rest = [want.after, want.extra, want.y];
          expectClose(got.rest, rest, () => (16 + 16 * size) * ULP, context);
        }
      }
    }
  });

  test('leaves what lies between the samples', () => {
    const units = 5;
    const { s, x, results } = forward(name, units, 1);
    for (let n = 0; n < BATCH; n++) {
      for (let i = gates * units; i < s.gateStride; i++) {
        expect(results.gates[n * s.gateStride + i]).toBe(x[n * s.gateStride + i]);
      }
      expect(results.after[n * s.stateStride + units]).toBe(7);
      expect(results.extra[n * s.stateStride + units]).toBe(7);
      for (let i = units; i < s.outStride; i++) expect(results.y[n * s.outStride + i]).toBe(7);
    }
  });

  test('gates saturate to 0, 1 and ±1, without NaN', () => {
    const { results } = forward(name, 9, 1e30);
    for (let n = 0; n < BATCH; n++) {
      for (const gate of results.gates.subarray(
        n * (9 * gates + 3),
        n * (9 * gates + 3) + 9 * gates,
      ))
        expect([-1, 0, 1]).toContain(gate);
    }
    expect([...results.after, ...results.y].every(Number.isFinite)).toBe(true);
  });
});

describe('backward', () => {
  test.each(unitCounts)('f32_lstm_gates_backward, %i units', (units) => {
    const { s, x, before, filled } = operands('lstm', units, 1);
    const rng = new Rng(units + 100);
    const squashed = floats(rng, before.length);
    const [dy, dc] = [floats(rng, BATCH * units), floats(rng, BATCH * units)];
    const results = both(`lstm backward ${units}`, (kernels) => {
      const params = guarded.params('RecurrentParams', {
        batch: BATCH,
        units,
        ...s,
        table: 0,
      }).pointer;
      const inputs = [x, before, squashed, dy].map((data) => guarded.input(data).pointer);
      const [dstate, dx] = [guarded.inout(dc), guarded.inout(filled(s.gateStride))];
      const [gates, b, c, d] = inputs as [number, number, number, number];
      kernels.f32_lstm_gates_backward(params, gates, b, c, d, dstate.pointer, dx.pointer);
      return { dstate: dstate.read(), dx: dx.read() };
    });
    for (let at = 0; at < BATCH * units; at++) {
      const [n, j] = [Math.floor(at / units), at % units];
      const state = n * s.stateStride + j;
      const gates = blocks(x, n * s.gateStride + j, units, 4) as [number, number, number, number];
      const want = lstmUnitBackward(gates, before[state]!, squashed[state]!, dy[at]!, dc[at]!);
      const got = [...blocks(results.dx!, n * s.gateStride + j, units, 4), results.dstate![at]!];
      // Up to seven roundings of values no larger than 4.
      expectClose(got, [...want.dx, want.dstate], () => 28 * ULP, `${units} units, ${n}, ${j}`);
    }
  });

  test.each(unitCounts)('f32_gru_gates_backward, %i units', (units) => {
    const { s, x, before, filled } = operands('gru', units, 1);
    const rng = new Rng(units + 200);
    const inner = floats(rng, before.length);
    const dy = floats(rng, BATCH * units);
    const results = both(`gru backward ${units}`, (kernels) => {
      const params = guarded.params('RecurrentParams', {
        batch: BATCH,
        units,
        ...s,
        table: 0,
      }).pointer;
      const inputs = [x, before, inner, dy].map((data) => guarded.input(data).pointer);
      const [gates, b, c, d] = inputs as [number, number, number, number];
      const dstate = guarded.output(dy);
      const [dx, dh] = [guarded.inout(filled(s.gateStride)), guarded.inout(filled(s.gateStride))];
      const outs = [dstate.pointer, dx.pointer, dh.pointer] as const;
      kernels.f32_gru_gates_backward(params, gates, b, c, d, ...outs);
      return { dstate: dstate.read(), dx: dx.read(), dh: dh.read() };
    });
    for (let at = 0; at < BATCH * units; at++) {
      const [n, j] = [Math.floor(at / units), at % units];
      const state = n * s.stateStride + j;
      const gates = blocks(x, n * s.gateStride + j, units, 3) as [number, number, number];
      const want = gruUnitBackward(gates, before[state]!, inner[state]!, dy[at]!);
      const row = n * s.gateStride + j;
      const parts = [results.dx!, results.dh!].flatMap((part) => blocks(part, row, units, 3));
      const context = `${units} units, ${n}, ${j}`;
      // Up to seven roundings of values no larger than 8.
      const wanted = [...want.dx, ...want.dh, want.dstate];
      expectClose([...parts, results.dstate![at]!], wanted, () => 56 * ULP, context);
    }
  });
});
