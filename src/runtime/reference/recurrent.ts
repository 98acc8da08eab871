import { roundToRange, scaleAcc } from '../../core/rounding.ts';
import type { RecurrentAttrs } from '../../ops/recurrent.ts';
import type { Constant, Operands, ReferenceOp } from './operands.ts';

const { fround } = Math;

/** From the two parts of a sample's pre-activations and its state: the next state and what comes out, one a unit. */
type Gates = (
  x: readonly number[],
  h: readonly number[],
  state: readonly number[],
  table: ArrayLike<number>,
) => { readonly state: number[]; readonly y: number[] };

/** table[clamp(rte(p), −512, 511) + 512]      eq. (30) */
function sigmoid(table: ArrayLike<number>, p: number): number {
  return table[roundToRange(p, 512, 0, 1023)]!;
}

function tanh(table: ArrayLike<number>, p: number): number {
  return fround(2 * sigmoid(table, p) - 1);
}

/** i f g o      eq. (31) */
const lstmGates: Gates = (x, h, state, table) => {
  const units = state.length;
  const p = x.map((value, r) => fround(value + h[r]!));
  const next = state.map((c, j) => {
    const kept = fround(sigmoid(table, p[units + j]!) * c);
    return fround(kept + fround(sigmoid(table, p[j]!) * tanh(table, p[2 * units + j]!)));
  });
  const y = next.map((c, j) =>
    fround(sigmoid(table, p[3 * units + j]!) * tanh(table, fround(128 * c))),
  );
  return { state: next, y };
};

/** z r g      eq. (32) */
const gruGates: Gates = (x, h, state, table) => {
  const units = state.length;
  const sum = (r: number) => fround(x[r]! + h[r]!);
  const next = state.map((last, j) => {
    const [z, r] = [sigmoid(table, sum(j)), sigmoid(table, sum(units + j))];
    const at = 2 * units + j;
    const g = tanh(table, fround(x[at]! + fround(r * h[at]!)));
    return fround(fround(z * last) + fround(fround(1 - z) * g));
  });
  return { state: next, y: next };
};

/** u of (7) of each row of w, the factors in rows `first` and `first` + 1. */
function product(
  { data: w, shape }: Constant,
  { data: factors }: Constant,
  first: number,
  x: readonly number[],
): number[] {
  const [rows, columns] = shape as readonly [number, number];
  return Array.from({ length: rows }, (_, r) => {
    const acc = x.reduce((sum, value, c) => sum + value * w[r * columns + c]!, 0);
    return scaleAcc(acc, 0, factors[first * rows + r]!, factors[(first + 1) * rows + r]!);
  });
}

function unroll(gates: Gates, { x: [x], constants, y }: Operands, attrs: RecurrentAttrs): void {
  const { units, returnSequences, goBackwards } = attrs;
  const [kernel, recurrent, factors, table] = constants as readonly [Constant, ...Constant[]];
  const [batch, steps, features] = x!.shape as readonly [number, number, number];
  const { zeroPoint } = x!.qparams;
  const inverse = fround(1 / y.qparams.scale[0]!);
  const rounded = (h: number) => {
    const { zeroPoint, qmin, qmax } = y.qparams;
    return roundToRange(fround(h * inverse), zeroPoint, qmin, qmax);
  };
  const out: number[] = [];
  for (let n = 0; n < batch; n++) {
    let state = Array.from({ length: units }, () => 0);
    let hidden = state;
    for (let s = 0; s < steps; s++) {
      const at = (n * steps + (goBackwards ? steps - 1 - s : s)) * features;
      const sample = Array.from(x!.data.slice(at, at + features), (q) => q - zeroPoint);
      const a = product(kernel, factors!, 0, sample);
      const b = product(recurrent!, factors!, 2, hidden);
      const made = gates(a, b, state, table!.data);
      state = made.state;
      // eq. (33)
      hidden = made.y.map((h) => roundToRange(fround(128 * h), 0, -128, 127));
      if (returnSequences || s === steps - 1) out.push(...made.y.map(rounded));
    }
  }
  y.data.set(out);
}

export const lstm: ReferenceOp<RecurrentAttrs> = (o, attrs) => unroll(lstmGates, o, attrs);
export const gru: ReferenceOp<RecurrentAttrs> = (o, attrs) => unroll(gruGates, o, attrs);
