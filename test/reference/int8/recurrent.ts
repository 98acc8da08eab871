import { roundToRange } from '../../../src/core/rounding.ts';

const f = Math.fround;

/** The table of integer gates, and what kernels read in it      quantization.md eq. (30) */
export function gates(table: Float32Array) {
  const sigmoid = (p: number) => table[roundToRange(p, 512, 0, 1023)]!;
  const tanh = (p: number) => f(2 * sigmoid(p) - 1);
  const hidden = (h: number) => roundToRange(f(h * 128), 0, -128, 127);
  return { sigmoid, tanh, hidden };
}

/** One unit of one step of an LSTM, f32 at each step      eq. (31), (33) */
export function lstmUnit(
  table: Float32Array,
  x: readonly number[],
  h: readonly number[],
  before: number,
) {
  const { sigmoid, tanh, hidden } = gates(table);
  const p = x.map((value, k) => f(value + h[k]!));
  const [i, forget, o] = [0, 1, 3].map((k) => sigmoid(p[k]!)) as [number, number, number];
  const g = tanh(p[2]!);
  const after = f(f(forget * before) + f(i * g));
  const extra = tanh(f(after * 128));
  const y = f(o * extra);
  return { gates: [i, forget, g, o], after, extra, y, q: hidden(y) };
}

/** The same of a GRU      eq. (32), (33) */
export function gruUnit(
  table: Float32Array,
  x: readonly number[],
  h: readonly number[],
  before: number,
) {
  const { sigmoid, tanh, hidden } = gates(table);
  const [z, r] = [0, 1].map((k) => sigmoid(f(x[k]! + h[k]!))) as [number, number];
  const g = tanh(f(x[2]! + f(r * h[2]!)));
  const after = f(f(z * before) + f(f(1 - z) * g));
  return { gates: [z, r, g], after, extra: h[2]!, y: after, q: hidden(after) };
}
