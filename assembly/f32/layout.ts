/** Layout of packed f32 weights and of patch matrices. `src/core/f32Layout.ts` is the twin that sizes the memory. */

/** Pixels that the weight gradient sums in registers before it adds to dw. */
// @ts-ignore: decorator
@inline
export const GRADIENT_PIXELS: i32 = 64;

/** Bytes from one row of a patch matrix to the next: an odd number of cache lines, see `blockRows`. */
// @ts-ignore: decorator
@inline
export function rowBytes(k: i32): i32 {
  return (((k * 4 + 63) >> 6) | 1) << 6;
}

/** Rows of a patch matrix that stay in L2 while all weights pass: about 256 KB, 16 to 64 rows, a multiple of 4. */
// @ts-ignore: decorator
@inline
export function blockRows(k: i32): i32 {
  return max(16, min(64, (262144 / rowBytes(k)) & ~3));
}

/** Scratch, from its first multiple of 64:   0 one 4x8 tile | 128 start values of a tile, f32[8] | 192 patch matrix */
// @ts-ignore: decorator
@inline
export function tileOf(scratch: usize): usize {
  return (scratch + 63) & ~63;
}

// @ts-ignore: decorator
@inline
export function initOf(scratch: usize): usize {
  return tileOf(scratch) + 128;
}

// @ts-ignore: decorator
@inline
export function rowsOf(scratch: usize): usize {
  return tileOf(scratch) + 192;
}
