import { checkNumber, internal } from '../core/errors.ts';
import { erf, exp, expm1, log, sigmoid, tanh } from '../core/math.ts';
import type { F32Rule, OpDef, QatTableRule } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';

/**
 * Functions of one real, element by element. None has an integer form of its own: 256 inputs make 256 outputs, so the
 * integer op of all of them is `lookup`.
 */

/** Slope below 0 of leakyRelu, limit of elu. */
export interface AlphaAttrs {
  readonly alpha: number;
}

interface RealFunction {
  /** In f64, the same bits on every host. */
  f(x: number, alpha: number): number;
  /** dy/dx, given y = f(x); at a kink that of the side where x is larger, 0 for abs. */
  slope(x: number, y: number, alpha: number): number;
}

const bell = (x: number) => exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const normal = (x: number) => (1 + erf(x * Math.SQRT1_2)) / 2;

const functions = {
  abs: { f: Math.abs, slope: (x) => Math.sign(x) },
  elu: {
    f: (x, alpha) => (x < 0 ? alpha * expm1(x) : x),
    slope: (x, y, alpha) => (x < 0 ? y + alpha : 1),
  },
  exp: { f: exp, slope: (_x, y) => y },
  /** x·Φ(x) with the normal distribution Φ, not its approximation by tanh */
  gelu: { f: (x) => x * normal(x), slope: (x) => normal(x) + x * bell(x) },
  /** x · relu6(x + 3) / 6 */
  hardSwish: {
    f: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
    slope: (x) => (x < -3 ? 0 : x < 3 ? (2 * x + 3) / 6 : 1),
  },
  leakyRelu: {
    f: (x, alpha) => (x < 0 ? alpha * x : x),
    slope: (x, _y, alpha) => (x < 0 ? alpha : 1),
  },
  log: { f: log, slope: (x) => 1 / x },
  negate: { f: (x) => -x, slope: () => -1 },
  rsqrt: { f: (x) => 1 / Math.sqrt(x), slope: (x, y) => (-0.5 * y) / x },
  sigmoid: { f: sigmoid, slope: (_x, y) => y * (1 - y) },
  sqrt: { f: Math.sqrt, slope: (_x, y) => 0.5 / y },
  square: { f: (x) => x * x, slope: (x) => 2 * x },
  /** x · sigmoid(x) */
  swish: {
    f: (x) => x * sigmoid(x),
    slope: (x, y) => y + sigmoid(x) * (1 - y),
  },
  tanh: { f: tanh, slope: (_x, y) => 1 - y * y },
} as const satisfies Record<string, RealFunction>;

export type UnaryOpName = keyof typeof functions;

const names = [
  ...(['abs', 'elu', 'exp', 'gelu', 'hardSwish', 'leakyRelu', 'log', 'negate', 'rsqrt'] as const),
  ...(['sigmoid', 'sqrt', 'square', 'swish', 'tanh'] as const),
] as const satisfies readonly UnaryOpName[];

/** One entry for each function. */
function forEach<T>(make: (name: UnaryOpName) => T): Record<UnaryOpName, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<UnaryOpName, T>;
}

function sameAsInput(name: UnaryOpName, [x]: readonly Shape[], attrs: object): Shape {
  if (!x) throw internal(`${name} needs an input`);
  if (name === 'elu' || name === 'leakyRelu') {
    checkNumber(name, 'alpha', (attrs as AlphaAttrs).alpha, -Infinity);
  }
  return x;
}

/** y = f(x), the shape of x */
export const unaryOps = /* @__PURE__ */ forEach<OpDef>((name) => ({
  name,
  inferShape: (inputs, attrs) => sameAsInput(name, inputs, attrs as object),
}));

function alphaOf(attrs: object): number {
  return (attrs as Partial<AlphaAttrs>).alpha ?? 0;
}

/** The function of an op with its attributes: what `lookupTable` takes. */
export function realFunction(name: UnaryOpName, attrs: object = {}): (x: number) => number {
  const alpha = alphaOf(attrs);
  const { f } = functions[name] as RealFunction;
  return (x) => f(x, alpha);
}

/** Computed in f64 and rounded once. */
export const unaryF32 = /* @__PURE__ */ forEach<F32Rule<object>>((name) => ({
  forward(cx, [x], attrs) {
    const output = cx.alloc(x!.shape);
    const real = realFunction(name, attrs);
    const [from, to] = [cx.f32(x!), cx.f32(output)];
    for (let i = 0; i < to.length; i++) to[i] = real(from[i]!);
    return { output };
  },
  backward(cx, dy, { inputs: [x] }, attrs) {
    const dx = cx.alloc(dy.shape);
    const alpha = alphaOf(attrs);
    const { f, slope } = functions[name] as RealFunction;
    const [from, above, below] = [cx.f32(x!), cx.f32(dy), cx.f32(dx)];
    for (let i = 0; i < from.length; i++) {
      below[i] = above[i]! * slope(from[i]!, f(from[i]!, alpha), alpha);
    }
    return [dx];
  },
}));

/** Outputs whose range is known: [0, 1] and [−1, 1]. */
const outputs: Partial<Record<UnaryOpName, { scale: number; zeroPoint: number }>> = {
  sigmoid: { scale: 1 / 256, zeroPoint: -128 },
  tanh: { scale: 1 / 128, zeroPoint: 0 },
};

export const unaryQat = /* @__PURE__ */ forEach<QatTableRule<object>>((name) => ({
  kind: 'table',
  ...(outputs[name] && { output: outputs[name] }),
  real: (x, attrs) => realFunction(name, attrs)(x),
}));
