/** Gradients of maps that let them pass in an open interval. */

/** g where lo < y < hi, else 0. */
// @ts-ignore: decorator
@inline
export function passing(g: v128, y: v128, lo: v128, hi: v128): v128 {
  return v128.and(g, v128.and(f32x4.gt(y, lo), f32x4.lt(y, hi)));
}
