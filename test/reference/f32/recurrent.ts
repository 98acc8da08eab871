/** One unit of one time step in float64: what the gate kernels compute, and the way back. */

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Pre-activations of the gates, the state before. */
export function lstmUnit(z: readonly number[], before: number) {
  const [i, f, o] = [z[0]!, z[1]!, z[3]!].map(sigmoid) as [number, number, number];
  const g = Math.tanh(z[2]!);
  const after = f * before + i * g;
  const squashed = Math.tanh(after);
  return { gates: [i, f, g, o], after, extra: squashed, y: o * squashed };
}

/** Both parts of the pre-activations, the state before. */
export function gruUnit(x: readonly number[], h: readonly number[], before: number) {
  const [z, r] = [sigmoid(x[0]! + h[0]!), sigmoid(x[1]! + h[1]!)];
  const g = Math.tanh(x[2]! + r * h[2]!);
  const after = z * before + (1 - z) * g;
  return { gates: [z, r, g], after, extra: h[2]!, y: after };
}

/** From the gates i f g o, the state before, tanh of the state after, and the gradients of y and of the state after. */
export function lstmUnitBackward(
  [i, f, g, o]: readonly [number, number, number, number],
  before: number,
  squashed: number,
  dy: number,
  dstate: number,
) {
  const s = dstate + dy * o * (1 - squashed * squashed);
  const dx = [
    s * g * i * (1 - i),
    s * before * f * (1 - f),
    s * i * (1 - g * g),
    dy * squashed * o * (1 - o),
  ];
  return { dx, dstate: s * f };
}

/** From the gates z r g, the state before, the recurrent part of g, and the gradient of y. */
export function gruUnitBackward(
  [z, r, g]: readonly [number, number, number],
  before: number,
  inner: number,
  dy: number,
) {
  const dz = dy * (before - g) * z * (1 - z);
  const dg = dy * (1 - z) * (1 - g * g);
  const dr = dg * inner * r * (1 - r);
  return { dx: [dz, dr, dg], dh: [dz, dr, dg * r], dstate: dy * z };
}
