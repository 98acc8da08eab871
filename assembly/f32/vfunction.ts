import {
  bellLanes,
  bellScalar,
  logLanes32,
  logScalar32,
  normalLanes,
  normalScalar,
  sigmoidLanes32,
  sigmoidScalar32,
  tanhLanes32,
  tanhScalar32,
  writeNormalConstants,
} from '../lib/curves';
import {
  expLanes32,
  expm1NegativeLanes,
  expm1NegativeScalar,
  expScalar32,
  writeExpConstants,
} from '../lib/exp32';
import { storeFloats } from '../lib/lanes';

/** Functions of one real: their places in `unaryNames` of src/ops/unary.ts. */
// @ts-ignore: decorator
@inline export const ABS: i32 = 0;
// @ts-ignore: decorator
@inline export const ELU: i32 = 1;
// @ts-ignore: decorator
@inline export const EXP: i32 = 2;
// @ts-ignore: decorator
@inline export const GELU: i32 = 3;
// @ts-ignore: decorator
@inline export const HARD_SWISH: i32 = 4;
// @ts-ignore: decorator
@inline export const LEAKY_RELU: i32 = 5;
// @ts-ignore: decorator
@inline export const LOG: i32 = 6;
// @ts-ignore: decorator
@inline export const NEGATE: i32 = 7;
// @ts-ignore: decorator
@inline export const RSQRT: i32 = 8;
// @ts-ignore: decorator
@inline export const SIGMOID: i32 = 9;
// @ts-ignore: decorator
@inline export const SQRT: i32 = 10;
// @ts-ignore: decorator
@inline export const SQUARE: i32 = 11;
// @ts-ignore: decorator
@inline export const SWISH: i32 = 12;
// @ts-ignore: decorator
@inline export const TANH: i32 = 13;

/** Where x·(a factor that is 0) begins: x is not taken further down, since −inf · 0 is NaN. */
// @ts-ignore: decorator
@inline const SWISH_ENDS: f32 = -88.0;
// @ts-ignore: decorator
@inline const GELU_ENDS: f32 = -14.0;

/**
 * y[i] = f(x[i]), each step rounded to f32; NaN gives NaN
 *
 *     0 |x|    1 x < 0 ? alpha·(e^x − 1) : x    2 e^x    3 x·Φ(x)    4 max(x, −3)·(min(max(x + 3, 0), 6) / 6)
 *     5 x < 0 ? alpha·x : x    6 log x    7 −x    8 1 / sqrt x    9 1 / (1 + e^−x)    10 sqrt x    11 x²
 *     12 x / (1 + e^−x)    13 tanh x
 *
 * Φ is the normal distribution. 12 and 3 go to −0 for x to −inf. Error bounds are those of lib/exp32.ts and lib/curves.ts.
 *
 * x         [n] f32    read
 * y         [n] f32    written; may be x
 * constants            88 bytes of scratch for 1, 2, 3, 4, 9, 12, 13
 */
export function f32_vfunction__scalar(
  n: i32, kind: i32, alpha: f32, x: usize, y: usize, _constants: usize,
): void {
  for (const end = y + (<usize>n << 2); y < end; x += 4, y += 4) {
    store<f32>(y, functionScalar(kind, load<f32>(x), alpha));
  }
}

function functionScalar(kind: i32, x: f32, alpha: f32): f32 {
  switch (kind) {
    case ABS: return abs(x);
    case ELU: return x < 0 ? alpha * expm1NegativeScalar(x) : x;
    case EXP: return expScalar32(x);
    case GELU: {
      const above = x < GELU_ENDS ? GELU_ENDS : x;
      return above * normalScalar(above, bellScalar(above));
    }
    case HARD_SWISH: return (x < -3 ? -3 : x) * (zeroToSix(x) / 6);
    case LEAKY_RELU: return x < 0 ? alpha * x : x;
    case LOG: return logScalar32(x);
    case NEGATE: return -x;
    case RSQRT: return 1 / sqrt<f32>(x);
    case SIGMOID: return sigmoidScalar32(x);
    case SQRT: return sqrt<f32>(x);
    case SQUARE: return x * x;
    case SWISH: return (x < SWISH_ENDS ? SWISH_ENDS : x) * sigmoidScalar32(x);
    default: return tanhScalar32(x);
  }
}

/** min(max(x + 3, 0), 6) */
function zeroToSix(x: f32): f32 {
  const up = x + 3;
  const raised: f32 = up < 0 ? 0 : up;
  return raised > 6 ? 6 : raised;
}

export function f32_vfunction__simd128(
  n: i32, kind: i32, alpha: f32, x: usize, y: usize, constants: usize,
): void {
  writeConstantsOf(kind, constants);
  switch (kind) {
    case ABS: return each(ABS, n, alpha, x, y, constants);
    case ELU: return each(ELU, n, alpha, x, y, constants);
    case EXP: return each(EXP, n, alpha, x, y, constants);
    case GELU: return each(GELU, n, alpha, x, y, constants);
    case HARD_SWISH: return each(HARD_SWISH, n, alpha, x, y, constants);
    case LEAKY_RELU: return each(LEAKY_RELU, n, alpha, x, y, constants);
    case LOG: return each(LOG, n, alpha, x, y, constants);
    case NEGATE: return each(NEGATE, n, alpha, x, y, constants);
    case RSQRT: return each(RSQRT, n, alpha, x, y, constants);
    case SIGMOID: return each(SIGMOID, n, alpha, x, y, constants);
    case SQRT: return each(SQRT, n, alpha, x, y, constants);
    case SQUARE: return each(SQUARE, n, alpha, x, y, constants);
    case SWISH: return each(SWISH, n, alpha, x, y, constants);
    default: return each(TANH, n, alpha, x, y, constants);
  }
}

/** What the lanes of a function take from memory. */
export function writeConstantsOf(kind: i32, constants: usize): void {
  const curve = kind == ELU || kind == EXP || kind == SIGMOID || kind == SWISH || kind == TANH;
  if (curve || kind == GELU) writeExpConstants(constants);
  if (kind == GELU) writeNormalConstants(constants);
  if (kind == HARD_SWISH) {
    store<f32>(constants, 3);
    store<f32>(constants, 6, 4);
    store<f32>(constants, -3, 8);
  }
}

/** Eight elements a turn; the last turn reads up to sixteen bytes past x and stores what belongs to y. */
// @ts-ignore: decorator
@inline
function each(kind: i32, n: i32, alpha: f32, x: usize, y: usize, constants: usize): void {
  const alphas = f32x4.splat(alpha);
  for (; n > 0; n -= 8, x += 32, y += 32) {
    const low = functionLanes(kind, v128.load(x), alphas, constants);
    const second = x + (n > 4 ? 16 : 0);
    const high = functionLanes(kind, v128.load(second), alphas, constants);
    storeFloats(y, low, high, min(n, 8));
  }
}

// @ts-ignore: decorator
@inline
function functionLanes(kind: i32, x: v128, alphas: v128, constants: usize): v128 {
  const zero = f32x4.splat(0);
  if (kind == ABS) return f32x4.abs(x);
  if (kind == ELU) {
    const below = f32x4.mul(alphas, expm1NegativeLanes(x, constants));
    return v128.bitselect(below, x, f32x4.lt(x, zero));
  }
  if (kind == EXP) return expLanes32(x, constants);
  if (kind == GELU) {
    const above = f32x4.pmax(x, f32x4.splat(GELU_ENDS));
    return f32x4.mul(above, normalLanes(above, bellLanes(above, constants), constants));
  }
  if (kind == HARD_SWISH) {
    const raised = f32x4.pmax(f32x4.add(x, v128.load32_splat(constants)), zero);
    const six = v128.load32_splat(constants, 4);
    const above = f32x4.pmax(x, v128.load32_splat(constants, 8));
    return f32x4.mul(above, f32x4.div(f32x4.pmin(raised, six), six));
  }
  if (kind == LEAKY_RELU) {
    return v128.bitselect(f32x4.mul(alphas, x), x, f32x4.lt(x, zero));
  }
  if (kind == LOG) return logLanes32(x);
  if (kind == NEGATE) return f32x4.neg(x);
  if (kind == RSQRT) return f32x4.div(f32x4.splat(1), f32x4.sqrt(x));
  if (kind == SIGMOID) return sigmoidLanes32(x, constants);
  if (kind == SQRT) return f32x4.sqrt(x);
  if (kind == SQUARE) return f32x4.mul(x, x);
  if (kind == SWISH) {
    const above = f32x4.pmax(x, f32x4.splat(SWISH_ENDS));
    return f32x4.mul(above, sigmoidLanes32(x, constants));
  }
  return tanhLanes32(x, constants);
}
