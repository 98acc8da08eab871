import {
  bellLanes,
  bellScalar,
  normalLanes,
  normalScalar,
  sigmoidLanes32,
  sigmoidScalar32,
} from '../lib/curves';
import { oneLanes } from '../lib/exp32';
import { storeFloats } from '../lib/lanes';
import {
  ABS, ELU, EXP, GELU, HARD_SWISH, LEAKY_RELU, LOG, NEGATE, RSQRT, SIGMOID, SQRT, SQUARE, SWISH,
  TANH, writeConstantsOf,
} from './vfunction';

/** 1 / sqrt(2π) */
// @ts-ignore: decorator
@inline const BELL_HEIGHT: f32 = 0.3989422804014327;

/** From y of here on 1 − s is 0 in f32; it is not multiplied by more, since inf · 0 is NaN. */
// @ts-ignore: decorator
@inline const SWISH_FLAT: f32 = 128.0;

/**
 * dx[i] = dy[i] · f′(x[i]), the functions those of `f32_vfunction` in their order, y = f(x); each step rounded to f32
 *
 *     0 the sign of x, 0 at 0    1 x < 0 ? y + alpha : 1    2 y    3 Φ(x) + x·e^(−x²/2)/sqrt(2π)
 *     4 x < −3 ? 0 : x < 3 ? (2x + 3) / 6 : 1    5 x < 0 ? alpha : 1    6 1/x    7 −1    8 −y / (2x)
 *     9 y·(1 − y)    10 1 / (2y)    11 2x    12 s + y·(1 − s), s = 1/(1 + e^−x)    13 1 − y²
 *
 * x, y, dy  [n] f32    read; x alone by 0, 3, 4, 5, 6, 11, y alone by 2, 9, 10, 13
 * dx        [n] f32    written; may be any of them
 * constants            88 bytes of scratch for 3, 4, 12
 */
export function f32_vfunction_backward__scalar(
  n: i32, kind: i32, alpha: f32, x: usize, y: usize, dy: usize, dx: usize, _constants: usize,
): void {
  for (const end = dx + (<usize>n << 2); dx < end; x += 4, y += 4, dy += 4, dx += 4) {
    store<f32>(dx, backwardScalar(kind, load<f32>(x), load<f32>(y), load<f32>(dy), alpha));
  }
}

function backwardScalar(kind: i32, x: f32, y: f32, dy: f32, alpha: f32): f32 {
  switch (kind) {
    case ABS: return x == 0 ? 0 : dy * copysign<f32>(1, x);
    case ELU: return x < 0 ? dy * (y + alpha) : dy;
    case EXP: return dy * y;
    case GELU: {
      const bell = bellScalar(x);
      const side: f32 = bell == 0 ? 0 : x * (bell * BELL_HEIGHT);
      return dy * (normalScalar(x, bell) + side);
    }
    case HARD_SWISH: {
      if (x < -3) return 0;
      return x < 3 ? dy * (x + x + 3) / 6 : dy;
    }
    case LEAKY_RELU: return x < 0 ? alpha * dy : dy;
    case LOG: return dy / x;
    case NEGATE: return -dy;
    case RSQRT: return dy * (y * -0.5) / x;
    case SIGMOID: return dy * (y * (1 - y));
    case SQRT: return dy * 0.5 / y;
    case SQUARE: return dy * (x + x);
    case SWISH: {
      const s = sigmoidScalar32(x);
      return dy * (s + (y > SWISH_FLAT ? SWISH_FLAT : y) * (1 - s));
    }
    default: return dy * (1 - y * y);
  }
}

export function f32_vfunction_backward__simd128(
  n: i32, kind: i32, alpha: f32, x: usize, y: usize, dy: usize, dx: usize, constants: usize,
): void {
  writeConstantsOf(kind, constants);
  switch (kind) {
    case ABS: return each(ABS, n, alpha, x, y, dy, dx, constants);
    case ELU: return each(ELU, n, alpha, x, y, dy, dx, constants);
    case EXP: return each(EXP, n, alpha, x, y, dy, dx, constants);
    case GELU: return each(GELU, n, alpha, x, y, dy, dx, constants);
    case HARD_SWISH: return each(HARD_SWISH, n, alpha, x, y, dy, dx, constants);
    case LEAKY_RELU: return each(LEAKY_RELU, n, alpha, x, y, dy, dx, constants);
    case LOG: return each(LOG, n, alpha, x, y, dy, dx, constants);
    case NEGATE: return each(NEGATE, n, alpha, x, y, dy, dx, constants);
    case RSQRT: return each(RSQRT, n, alpha, x, y, dy, dx, constants);
    case SIGMOID: return each(SIGMOID, n, alpha, x, y, dy, dx, constants);
    case SQRT: return each(SQRT, n, alpha, x, y, dy, dx, constants);
    case SQUARE: return each(SQUARE, n, alpha, x, y, dy, dx, constants);
    case SWISH: return each(SWISH, n, alpha, x, y, dy, dx, constants);
    default: return each(TANH, n, alpha, x, y, dy, dx, constants);
  }
}

/** As that of the forward. */
// @ts-ignore: decorator
@inline
function each(
  kind: i32, n: i32, alpha: f32, x: usize, y: usize, dy: usize, dx: usize, constants: usize,
): void {
  const alphas = f32x4.splat(alpha);
  for (; n > 0; n -= 8, x += 32, y += 32, dy += 32, dx += 32) {
    const low = backwardLanes(kind, x, y, v128.load(dy), alphas, constants);
    const to: usize = n > 4 ? 16 : 0;
    const high = backwardLanes(kind, x + to, y + to, v128.load(dy + to), alphas, constants);
    storeFloats(dx, low, high, min(n, 8));
  }
}

// @ts-ignore: decorator
@inline
function backwardLanes(
  kind: i32, x: usize, y: usize, dy: v128, alphas: v128, constants: usize,
): v128 {
  const zero = f32x4.splat(0);
  if (kind == ABS) {
    const at = v128.load(x);
    const signed = v128.xor(dy, v128.and(at, f32x4.splat(-0.0)));
    return v128.and(signed, f32x4.ne(at, zero));
  }
  if (kind == ELU) {
    const below = f32x4.mul(dy, f32x4.add(v128.load(y), alphas));
    return v128.bitselect(below, dy, f32x4.lt(v128.load(x), zero));
  }
  if (kind == EXP) return f32x4.mul(dy, v128.load(y));
  if (kind == GELU) {
    const at = v128.load(x);
    const bell = bellLanes(at, constants);
    // Where the bell is 0, x may be infinite.
    const side = f32x4.mul(at, f32x4.mul(bell, f32x4.splat(BELL_HEIGHT)));
    const inside = v128.andnot(side, f32x4.eq(bell, zero));
    return f32x4.mul(dy, f32x4.add(normalLanes(at, bell, constants), inside));
  }
  if (kind == HARD_SWISH) {
    const at = v128.load(x), three = v128.load32_splat(constants);
    const slope = f32x4.add(f32x4.add(at, at), three);
    const middle = f32x4.div(f32x4.mul(dy, slope), v128.load32_splat(constants, 4));
    const above = v128.bitselect(middle, dy, f32x4.lt(at, three));
    return v128.andnot(above, f32x4.lt(at, v128.load32_splat(constants, 8)));
  }
  if (kind == LEAKY_RELU) {
    return v128.bitselect(f32x4.mul(alphas, dy), dy, f32x4.lt(v128.load(x), zero));
  }
  if (kind == LOG) return f32x4.div(dy, v128.load(x));
  if (kind == NEGATE) return f32x4.neg(dy);
  if (kind == RSQRT) {
    return f32x4.div(f32x4.mul(dy, f32x4.mul(v128.load(y), f32x4.splat(-0.5))), v128.load(x));
  }
  if (kind == SIGMOID) {
    const at = v128.load(y);
    return f32x4.mul(dy, f32x4.mul(at, f32x4.sub(f32x4.splat(1), at)));
  }
  if (kind == SQRT) return f32x4.div(f32x4.mul(dy, f32x4.splat(0.5)), v128.load(y));
  if (kind == SQUARE) {
    const at = v128.load(x);
    return f32x4.mul(dy, f32x4.add(at, at));
  }
  if (kind == SWISH) {
    const s = sigmoidLanes32(v128.load(x), constants);
    const level = f32x4.pmin(v128.load(y), f32x4.splat(SWISH_FLAT));
    const rest = f32x4.mul(level, f32x4.sub(oneLanes(constants), s));
    return f32x4.mul(dy, f32x4.add(s, rest));
  }
  const at = v128.load(y);
  return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(at, at)));
}
