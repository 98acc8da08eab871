/** Gradients on their way into an optimizer's update: what `clipNorm` and `clipValue` do to them. */

/** f32(g · scale), clamped to [−limit, limit]; NaN stays. */
// @ts-ignore: decorator
@inline
export function clip(g: f32, scale: f32, limit: f32): f32 {
  const scaled = g * scale;
  if (scaled < -limit) return -limit;
  return limit < scaled ? limit : scaled;
}

/** `clip` of four lanes, between `low` = −limit and `high` = limit. */
// @ts-ignore: decorator
@inline
export function clipLanes(g: v128, scale: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.mul(g, scale), low), high);
}
