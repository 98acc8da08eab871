import { storeFloats } from '../lib/lanes';

/** Functions of two reals: their numbers in src/ops/binaryF32.ts. */
// @ts-ignore: decorator
@inline const ADD: i32 = 0;
// @ts-ignore: decorator
@inline const SUBTRACT: i32 = 1;
// @ts-ignore: decorator
@inline const MULTIPLY: i32 = 2;
// @ts-ignore: decorator
@inline const MINIMUM: i32 = 3;
// @ts-ignore: decorator
@inline const MAXIMUM: i32 = 4;
// @ts-ignore: decorator
@inline const PRELU: i32 = 5;
// @ts-ignore: decorator
@inline const MINIMUM_DA: i32 = 6;
// @ts-ignore: decorator
@inline const MINIMUM_DB: i32 = 7;
// @ts-ignore: decorator
@inline const MAXIMUM_DA: i32 = 8;
// @ts-ignore: decorator
@inline const MAXIMUM_DB: i32 = 9;
// @ts-ignore: decorator
@inline const PRELU_DA: i32 = 10;

/**
 * y[i, j] = f(a, b, dy)      a = a[i·aRow + j·aStep], b alike, dy = dy[i, j]
 *
 *     0 a + b    1 a − b    2 a · b    3 a ≤ b ? a : b    4 a ≥ b ? a : b    5 a < 0 ? a·b : a
 *     6 a ≤ b ? dy : 0    7 a ≤ b ? 0 : dy    8 a ≥ b ? dy : 0    9 a ≥ b ? 0 : dy    10 a < 0 ? dy·b : dy
 *
 * a, b   f32    read; rows aRow and bRow elements apart, 0 where one row is repeated; steps are 1, or 0 for a number
 * dy     [rows, n] f32    read by 6 to 10
 * y      [rows, n] f32    written; may be dy, and one of a and b that is not repeated
 */
export function f32_vbinary__scalar(
  rows: i32, n: i32, kind: i32, a: usize, aRow: i32, aStep: i32, b: usize, bRow: i32, bStep: i32,
  dy: usize, y: usize,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) {
      const left = load<f32>(a + (<usize>(i * aRow + j * aStep) << 2));
      const right = load<f32>(b + (<usize>(i * bRow + j * bStep) << 2));
      const at = <usize>(i * n + j) << 2;
      const above: f32 = kind > PRELU ? load<f32>(dy + at) : 0;
      store<f32>(y + at, binaryScalar(kind, left, right, above));
    }
  }
}

function binaryScalar(kind: i32, a: f32, b: f32, dy: f32): f32 {
  switch (kind) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case MINIMUM: return a <= b ? a : b;
    case MAXIMUM: return a >= b ? a : b;
    case PRELU: return a < 0 ? a * b : a;
    case MINIMUM_DA: return a <= b ? dy : 0;
    case MINIMUM_DB: return a <= b ? 0 : dy;
    case MAXIMUM_DA: return a >= b ? dy : 0;
    case MAXIMUM_DB: return a >= b ? 0 : dy;
    default: return a < 0 ? dy * b : dy;
  }
}

export function f32_vbinary__simd128(
  rows: i32, n: i32, kind: i32, a: usize, aRow: i32, aStep: i32, b: usize, bRow: i32, bStep: i32,
  dy: usize, y: usize,
): void {
  switch (kind) {
    case ADD: return eachRow(ADD, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case SUBTRACT: return eachRow(SUBTRACT, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MULTIPLY: return eachRow(MULTIPLY, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MINIMUM: return eachRow(MINIMUM, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MAXIMUM: return eachRow(MAXIMUM, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case PRELU: return eachRow(PRELU, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MINIMUM_DA: return eachRow(MINIMUM_DA, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MINIMUM_DB: return eachRow(MINIMUM_DB, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MAXIMUM_DA: return eachRow(MAXIMUM_DA, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    case MAXIMUM_DB: return eachRow(MAXIMUM_DB, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
    default: return eachRow(PRELU_DA, rows, n, a, aRow, aStep, b, bRow, bStep, dy, y);
  }
}

// @ts-ignore: decorator
@inline
function eachRow(
  kind: i32, rows: i32, n: i32, a: usize, aRow: i32, aStep: i32, b: usize, bRow: i32, bStep: i32,
  dy: usize, y: usize,
): void {
  const row = <usize>n << 2;
  for (let i = 0; i < rows; i++) {
    eachElement(kind, n, a, aStep, b, bStep, dy, y);
    a += <usize>aRow << 2;
    b += <usize>bRow << 2;
    dy += row;
    y += row;
  }
}

/** Eight elements a turn; the last turn reads up to sixteen bytes past the operands and stores what belongs to y. */
// @ts-ignore: decorator
@inline
function eachElement(
  kind: i32, n: i32, a: usize, aStep: i32, b: usize, bStep: i32, dy: usize, y: usize,
): void {
  const aSplat = v128.load32_splat(a), bSplat = v128.load32_splat(b);
  const aWalks = aStep != 0, bWalks = bStep != 0;
  for (let at: usize = 0; n > 0; n -= 8, at += 32) {
    const second = at + (n > 4 ? 16 : 0);
    const aLow = aWalks ? v128.load(a + at) : aSplat, bLow = bWalks ? v128.load(b + at) : bSplat;
    const aHigh = aWalks ? v128.load(a + second) : aSplat;
    const bHigh = bWalks ? v128.load(b + second) : bSplat;
    const low = binaryLanes(kind, aLow, bLow, dy + at);
    const high = binaryLanes(kind, aHigh, bHigh, dy + second);
    storeFloats(y + at, low, high, min(n, 8));
  }
}

// @ts-ignore: decorator
@inline
function binaryLanes(kind: i32, a: v128, b: v128, dy: usize): v128 {
  if (kind == ADD) return f32x4.add(a, b);
  if (kind == SUBTRACT) return f32x4.sub(a, b);
  if (kind == MULTIPLY) return f32x4.mul(a, b);
  if (kind == MINIMUM) return v128.bitselect(a, b, f32x4.le(a, b));
  if (kind == MAXIMUM) return v128.bitselect(a, b, f32x4.ge(a, b));
  const negative = f32x4.lt(a, f32x4.splat(0));
  if (kind == PRELU) return v128.bitselect(f32x4.mul(a, b), a, negative);
  const above = v128.load(dy);
  if (kind == MINIMUM_DA) return v128.and(above, f32x4.le(a, b));
  if (kind == MINIMUM_DB) return v128.andnot(above, f32x4.le(a, b));
  if (kind == MAXIMUM_DA) return v128.and(above, f32x4.ge(a, b));
  if (kind == MAXIMUM_DB) return v128.andnot(above, f32x4.ge(a, b));
  return v128.bitselect(f32x4.mul(above, b), above, negative);
}
