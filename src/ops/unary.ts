import { checkNumber, internal } from '../core/errors.ts';
import { FUNCTION_SCRATCH_BYTES } from '../core/f32Layout.ts';
import { erf, exp, expm1, log, sigmoid, tanh } from '../core/math.ts';
import type { F32Rule, OpDef, QatTableRule } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

/**
 * Functions of one real, element by element. None has an integer form of its own: 256 inputs make 256 outputs, so the
 * integer op of all of them is `lookup`.
 */

/** Slope below 0 of leakyRelu, limit of elu. */
export interface AlphaAttrs {
  readonly alpha: number;
}

/** In f64, the same bits on every host. */
type RealFunction = (x: number, alpha: number) => number;

const functions = {
  abs: Math.abs,
  elu: (x, alpha) => (x < 0 ? alpha * expm1(x) : x),
  exp,
  /** x·Φ(x) with the normal distribution Φ, not its approximation by tanh */
  gelu: (x) => x * ((1 + erf(x * Math.SQRT1_2)) / 2),
  /** x · relu6(x + 3) / 6 */
  hardSwish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  leakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  log,
  negate: (x) => -x,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sigmoid,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  /** x · sigmoid(x) */
  swish: (x) => x * sigmoid(x),
  tanh,
} as const satisfies Record<string, RealFunction>;

export type UnaryOpName = keyof typeof functions;

/** The place of a name is the `kind` of `f32_vfunction`. */
export const unaryNames = [
  ...(['abs', 'elu', 'exp', 'gelu', 'hardSwish', 'leakyRelu', 'log', 'negate', 'rsqrt'] as const),
  ...(['sigmoid', 'sqrt', 'square', 'swish', 'tanh'] as const),
] as const satisfies readonly UnaryOpName[];

/** One entry for each function. */
function forEach<T>(make: (name: UnaryOpName) => T): Record<UnaryOpName, T> {
  return Object.fromEntries(unaryNames.map((name) => [name, make(name)])) as Record<UnaryOpName, T>;
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
  const f: RealFunction = functions[name];
  return (x) => f(x, alpha);
}

/** In f32: `assembly/lib/exp32.ts` and `curves.ts` have the error bounds. At a kink the slope is that of larger x, 0 for abs. */
export const unaryF32 = /* @__PURE__ */ forEach<F32Rule<object>>((name) => {
  const kind = unaryNames.indexOf(name);
  return {
    forward(cx, [x], attrs) {
      const output = cx.alloc(x!.shape);
      const constants = cx.scratch(FUNCTION_SCRATCH_BYTES);
      const n = sizeOf(x!.shape);
      cx.kernels.f32_vfunction(n, kind, alphaOf(attrs), x!.ptr, output.ptr, constants);
      return { output };
    },
    backward(cx, dy, { inputs: [x], output }, attrs) {
      const dx = cx.alloc(dy.shape);
      const constants = cx.scratch(FUNCTION_SCRATCH_BYTES);
      const operands = [x!.ptr, output.ptr, dy.ptr, dx.ptr] as const;
      const { f32_vfunction_backward: run } = cx.kernels;
      run(sizeOf(dy.shape), kind, alphaOf(attrs), ...operands, constants);
      return [dx];
    },
  };
});

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
