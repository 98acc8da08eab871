/** Small lane helpers that several kernels share. */

/** The first `count` (0…7) bytes of `lanes` to `y`. */
// @ts-ignore: decorator
@inline
export function storeBytes(y: usize, lanes: v128, count: i32): void {
  if (count & 4) {
    v128.store32_lane(y, lanes, 0);
    lanes = i64x2.shr_u(lanes, 32);
    y += 4;
  }
  if (count & 2) {
    v128.store16_lane(y, lanes, 0);
    lanes = i64x2.shr_u(lanes, 16);
    y += 2;
  }
  if (count & 1) v128.store8_lane(y, lanes, 0);
}

/** The first `count` (≥ 1) bytes of `lanes`, all sixteen from 16 on, to `y`. */
// @ts-ignore: decorator
@inline
export function storeUpTo16(y: usize, lanes: v128, count: i32): void {
  if (count >= 16) {
    v128.store(y, lanes);
    return;
  }
  if (count & 8) {
    v128.store64_lane(y, lanes, 0);
    lanes = highHalf(lanes);
    y += 8;
  }
  storeBytes(y, lanes, count & 7);
}

/** The first `count` (0…8) of the eight f32 in `low` and `high` to `y`. */
// @ts-ignore: decorator
@inline
export function storeFloats(y: usize, low: v128, high: v128, count: i32): void {
  if (count & 8) {
    v128.store(y, low);
    v128.store(y, high, 16);
    return;
  }
  if (count & 4) {
    v128.store(y, low);
    low = high;
    y += 16;
  }
  if (count & 2) {
    v128.store64_lane(y, low, 0);
    low = v128.shuffle<i64>(low, low, 1, 1);
    y += 8;
  }
  if (count & 1) v128.store32_lane(y, low, 0);
}

/** The high eight bytes in the low half. */
// @ts-ignore: decorator
@inline
export function highHalf(lanes: v128): v128 {
  return v128.shuffle<i64>(lanes, lanes, 1, 1);
}

// @ts-ignore: decorator
@inline
export function alignTo16(n: i32): i32 {
  return (n + 15) & ~15;
}
