import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { gruUnit, lstmUnit } from '../../reference/int8/recurrent.ts';

const guarded = new GuardedMemory(16);

const BATCH = 3;
/** Around lanes of four, and what a real layer has. */
const unitCounts = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];

const sigmoidTable = Float32Array.from(
  { length: 1024 },
  (_, i) => 1 / (1 + Math.exp((512 - i) / 64)),
);
/** Entries without order, so that a wrong one is seen. */
const mixedTable = Float32Array.from({ length: 1024 }, (_, i) => ((i * 389) % 1024) / 1023);

/** Pre-activations inside the table, at its ends, far outside, and on ties between two entries. */
const draws: Record<string, (rng: Rng) => number> = {
  inside: (rng) => 1000 * rng.uniform() - 500,
  'at the ends': (rng) => [-257, -256.25, -256, 255.5, 256, 300][rng.below(6)]!,
  saturating: (rng) => (rng.below(2) ? 1e30 : -1e30) * rng.uniform(),
  ties: (rng) => rng.below(800) / 2 - 200 + (rng.below(2) ? 0.25 : -0.25),
};

const kinds = {
  f32_qs8_lstm_gates: { gates: 4, unit: lstmUnit },
  f32_qs8_gru_gates: { gates: 3, unit: gruUnit },
} as const;

describe.each(implementations('infer', guarded.memory))('$name', ({ kernels }) => {
  describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kernel) => {
    const { gates, unit } = kinds[kernel];
    it.each(
      unitCounts.flatMap((units) => Object.keys(draws).map((draw) => [units, draw] as const)),
    )('%i units, %s', (units, draw) => {
      guarded.reset();
      const rng = new Rng(units);
      const table = units % 2 ? sigmoidTable : mixedTable;
      const [gateStride, stateStride, outStride] = [gates * units + 3, units + 1, units + 5];
      const drawn = (n: number) => Float32Array.from({ length: n }, () => draws[draw]!(rng));
      const [xs, hs] = [drawn(BATCH * gateStride), drawn(BATCH * gates * units)];
      const states = Float32Array.from(
        { length: BATCH * stateStride },
        () => 4 * rng.uniform() - 2,
      );
      const filled = (n: number) => new Float32Array(BATCH * n).fill(7);
      const params = guarded.params('RecurrentParams', {
        ...{ batch: BATCH, units, gateStride, stateStride, outStride },
        table: guarded.input(table, 'table'),
      });
      const [x, h] = [guarded.inout(xs, 'x'), guarded.inout(hs, 'h')];
      const before = guarded.input(states, 'before');
      const after = guarded.inout(filled(stateStride), 'after');
      const y = guarded.inout(filled(outStride), 'y');
      const q = guarded.inout(new Int8Array(BATCH * stateStride).fill(99), 'q', units % 16);
      const outs = [after.pointer, y.pointer, q.pointer] as const;
      kernels[kernel](params.pointer, x.pointer, h.pointer, before.pointer, ...outs);
      guarded.check();

      const want = {
        x: xs.slice(),
        after: filled(stateStride),
        h: hs.slice(),
        y: filled(outStride),
        q: new Int8Array(BATCH * stateStride).fill(99),
      };
      for (let n = 0; n < BATCH; n++) {
        for (let j = 0; j < units; j++) {
          const at = (stride: number, k = 0) => n * stride + k * units + j;
          const of = (data: Float32Array, stride: number) =>
            Array.from({ length: gates }, (_, k) => data[at(stride, k)]!);
          const state = states[at(stateStride)]!;
          const made = unit(table, of(xs, gateStride), of(hs, gates * units), state);
          made.gates.forEach((gate, k) => {
            want.x[at(gateStride, k)] = gate;
          });
          want.after[at(stateStride)] = made.after;
          if (gates === 4) want.h[at(gates * units)] = made.extra;
          want.y[at(outStride)] = made.y;
          want.q[at(stateStride)] = made.q;
        }
      }
      // Tolerance 0: every bit of every state, and what lies between the samples.
      const got = { x: x.read(), h: h.read(), after: after.read(), y: y.read() };
      expect({ ...got, q: q.read() }).toEqual(want);
    });

    it('works with after in the place of before', () => {
      guarded.reset();
      const units = 9;
      const strides = { gateStride: gates * units, stateStride: units, outStride: units };
      const table = guarded.input(sigmoidTable);
      const params = guarded.params('RecurrentParams', {
        batch: 1,
        units,
        ...strides,
        table,
      }).pointer;
      const rng = new Rng(5);
      const reals = (n: number) =>
        Float32Array.from({ length: n }, () => 200 * rng.uniform() - 100);
      const x = reals(gates * units);
      const hs = reals(gates * units);
      const h = () => guarded.inout(hs).pointer;
      const state = Float32Array.from({ length: units }, () => rng.uniform());
      const [one, other] = [guarded.input(state), guarded.inout(state)];
      const after = guarded.output(state);
      const rest = () => guarded.output(state).pointer;
      const q = () => guarded.output(new Int8Array(units)).pointer;
      const xs = [guarded.inout(x).pointer, guarded.inout(x).pointer] as const;
      kernels[kernel](params, xs[0], h(), one.pointer, after.pointer, rest(), q());
      kernels[kernel](params, xs[1], h(), other.pointer, other.pointer, rest(), q());
      guarded.check();
      expect(other.read()).toEqual(after.read());
    });
  });
});
