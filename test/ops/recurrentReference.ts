import type { Shape } from '../../src/core/shape.ts';
import type { RecurrentAttrs } from '../../src/ops/recurrent.ts';

interface Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** One sample's next state and output from its last ones. */
type Cell = (
  x: readonly number[],
  h: readonly number[],
  state: readonly number[],
) => { h: number[]; state: number[] };

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** w·x + b of rows of w. */
function product(w: Tensor, x: readonly number[], b: (row: number) => number): number[] {
  const [rows, columns] = w.shape as readonly [number, number];
  return Array.from({ length: rows }, (_, r) =>
    x.reduce((sum, value, c) => sum + value * w.data[r * columns + c]!, b(r)),
  );
}

/** Keras: i f c o */
function lstmCell([, w, u, b]: readonly Tensor[], units: number): Cell {
  return (x, h, state) => {
    const a = product(w!, x, (r) => b!.data[r]!);
    const z = product(u!, h, (r) => a[r]!);
    const next = state.map((c, j) => {
      const forget = sigmoid(z[units + j]!) * c;
      return forget + sigmoid(z[j]!) * Math.tanh(z[2 * units + j]!);
    });
    const y = next.map((c, j) => sigmoid(z[3 * units + j]!) * Math.tanh(c));
    return { h: y, state: next };
  };
}

/** Keras with resetAfter: z r h */
function gruCell([, w, u, b]: readonly Tensor[], units: number): Cell {
  return (x, h) => {
    const a = product(w!, x, (r) => b!.data[r]!);
    const z = product(u!, h, (r) => b!.data[3 * units + r]!);
    const next = h.map((value, j) => {
      const update = sigmoid(a[j]! + z[j]!);
      const reset = sigmoid(a[units + j]! + z[units + j]!);
      const candidate = Math.tanh(a[2 * units + j]! + reset * z[2 * units + j]!);
      return update * value + (1 - update) * candidate;
    });
    return { h: next, state: next };
  };
}

function unroll(make: typeof lstmCell) {
  return (inputs: readonly Tensor[], _shape: Shape, attrs: RecurrentAttrs): Float64Array => {
    const { units, returnSequences, goBackwards } = attrs;
    const [{ shape, data }] = inputs as readonly [Tensor];
    const [batch, steps, features] = shape as readonly [number, number, number];
    const cell = make(inputs, units);
    const y: number[] = [];
    for (let n = 0; n < batch; n++) {
      const zeros = Array.from({ length: units }, () => 0);
      let now = { h: zeros, state: zeros };
      for (let s = 0; s < steps; s++) {
        const t = goBackwards ? steps - 1 - s : s;
        const at = (n * steps + t) * features;
        now = cell([...data.subarray(at, at + features)], now.h, now.state);
        if (returnSequences || s === steps - 1) y.push(...now.h);
      }
    }
    return Float64Array.from(y);
  };
}

/** By the equations of Keras, in float64. */
export const recurrentReferences = { lstm: unroll(lstmCell), gru: unroll(gruCell) };
