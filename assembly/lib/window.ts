/**
 * Taps of a window along one axis: tap t of an output reads input `origin + t·dilation`. The taps inside an image of
 * `size` are [firstTap, endTap).
 */

// @ts-ignore: decorator
@inline
export function firstTap(origin: i32, dilation: i32): i32 {
  return origin >= 0 ? 0 : (dilation - 1 - origin) / dilation;
}

// @ts-ignore: decorator
@inline
export function endTap(origin: i32, dilation: i32, size: i32, taps: i32): i32 {
  if (origin + (taps - 1) * dilation < size) return taps;
  return origin >= size ? 0 : (size - origin + dilation - 1) / dilation;
}

/**
 * The other way round: input `position`, counted from the first padded one, is tap t of output
 * (position − t·dilation) / stride where that is a whole number in [0, outputs). These t are
 * firstReach, firstReach + reachStep, …, reachCount of them.
 */

/** The smallest step of taps that keeps the outputs whole: stride / gcd(stride, dilation). */
// @ts-ignore: decorator
@inline
export function reachStep(stride: i32, dilation: i32): i32 {
  let step = 1;
  while ((step * dilation) % stride != 0) step++;
  return step;
}

// @ts-ignore: decorator
@inline
export function firstReach(
  position: i32, stride: i32, dilation: i32, outputs: i32, taps: i32,
): i32 {
  for (let t = 0; t < taps && position >= 0; t++, position -= dilation) {
    if (stride == 1) {
      if (position < outputs) return t;
    } else if (position % stride == 0 && position / stride < outputs) return t;
  }
  return taps;
}

// @ts-ignore: decorator
@inline
export function reachCount(position: i32, dilation: i32, taps: i32, first: i32, step: i32): i32 {
  if (first == taps) return 0;
  return min((taps - 1 - first) / step, (position - first * dilation) / (dilation * step)) + 1;
}
