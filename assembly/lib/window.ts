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
