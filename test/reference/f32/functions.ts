import type { UnaryOpName } from '../../../src/ops/unary.ts';

/** Functions of one real and their derivatives in float64, from their definitions. */
type Real = (x: number, alpha: number) => number;

/** √(2π)·e^(t²/2)·Φ(−t) for t ≥ 0, by its series up to 3 and its continued fraction from there. */
function mills(t: number): number {
  const root = Math.sqrt(2 * Math.PI);
  if (t < 3) {
    let sum = 0;
    let term = t;
    for (let n = 1; sum + term !== sum; n++) {
      sum += term;
      term *= (t * t) / (2 * n + 1);
    }
    return (root / 2) * Math.exp((t * t) / 2) - sum;
  }
  let fraction = t;
  for (let n = 200; n >= 1; n--) fraction = t + n / fraction;
  return 1 / fraction;
}

const bell = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** The normal distribution, with all of its digits where it is small. */
function normal(x: number): number {
  const tail = bell(x) * mills(Math.abs(x));
  return x < 0 ? tail : 1 - tail;
}

const sigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

export const functionReferences: Record<UnaryOpName, Real> = {
  abs: Math.abs,
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  exp: Math.exp,
  gelu: (x) => x * normal(x),
  hardSwish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  leakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  log: Math.log,
  negate: (x) => -x,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sigmoid,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  swish: (x) => x * sigmoid(x),
  tanh: Math.tanh,
};

/** dy/dx at x, given the y that the way forward left. */
export const slopeReferences: Record<UnaryOpName, (x: number, y: number, alpha: number) => number> =
  {
    abs: (x) => Math.sign(x),
    elu: (x, _y, alpha) => (x < 0 ? alpha * Math.exp(x) : 1),
    exp: (_x, y) => y,
    gelu: (x) => normal(x) + x * bell(x),
    hardSwish: (x) => (x < -3 ? 0 : x < 3 ? (2 * x + 3) / 6 : 1),
    leakyRelu: (x, _y, alpha) => (x < 0 ? alpha : 1),
    log: (x) => 1 / x,
    negate: () => -1,
    rsqrt: (x) => -0.5 / (x * Math.sqrt(x)),
    sigmoid: (x) => sigmoid(x) * sigmoid(-x),
    sqrt: (x) => 0.5 / Math.sqrt(x),
    square: (x) => 2 * x,
    swish: (x) => sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
    tanh: (x) => 1 - Math.tanh(x) ** 2,
  };

/**
 * Half units in the last place by which `f32_vfunction` may differ from its value: those that the comments of
 * `assembly/lib/exp32.ts` and `curves.ts` derive. A product or quotient adds one, alpha, which is rounded, another.
 */
const roundings: Record<UnaryOpName, number> = {
  ...{ abs: 0, negate: 0, sqrt: 1, square: 1, leakyRelu: 2, rsqrt: 2, hardSwish: 3 },
  ...{ exp: 3, elu: 4.5, sigmoid: 5, swish: 6, tanh: 6, log: 6, gelu: 14 },
};

/** Below this a result may be 0, and what is no normal number has fewer bits. */
const LEAST = 2 ** -125;

/** The most by which f32_vfunction(x) differs from y, its value. */
export function functionError(name: UnaryOpName, x: number, y: number): number {
  // Swish and gelu multiply what may be 0 by x.
  const least = LEAST * Math.max(1, Math.abs(x));
  if (name !== 'gelu') return roundings[name] * 2 ** -24 * Math.abs(y) + least;
  const grown = roundings.gelu + (x * x) / 2;
  // Φ(x) = 1 − Φ(−x) above 0: x times the error of the small one, x·Φ(−x) < 0.17, and of a difference and a product.
  const error = x < 0 ? grown * Math.abs(y) : 2 * x + 0.17 * grown;
  return error * 2 ** -24 + least;
}

/**
 * The same of a softmax, as `assembly/f32/softmax.ts` derives it: (8 + 2·d)·2⁻²⁴ of y, where y ≤ e^−d since the largest term of
 * the sum is 1.
 */
export function softmaxError(y: number): number {
  return y > 0 ? (8 - 2 * Math.log(y)) * 2 ** -24 * y + LEAST : LEAST;
}
