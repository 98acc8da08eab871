/**
 * Weights of a matrix product minus their zero point, widened to i16 and cut into panels of 8 outputs, two of k side by
 * side, so that the inner loop is nothing but i32x4.dot_i16x8_s. |w − zeroPoint| and |x − inZeroPoint| are at most 255:
 * a pair of products has 18 bits.
 *
 * w       [n, rows, run] i8, the taps of a kernel row and their channels in one run; a dense layer has one row
 * packed  [ceil(n/8)][rows][ceil(run/2)][8][2] i16, 0 where n or a run ends, v = w − zeroPoint elsewhere:
 *
 *     panel p, pair t:  | v[8p, 2t] v[8p, 2t+1] | v[8p+1, 2t] v[8p+1, 2t+1] | … | v[8p+7, …] |     32 bytes
 */
export function qs8_pack_weights__scalar(
  n: i32, rows: i32, run: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  for (let panel = 0; panel < n; panel += 8) {
    for (let row = 0; row < rows; row++) {
      for (let t = 0; t < run; t += 2) {
        for (let j = panel; j < panel + 8; j++) {
          for (let i = t; i < t + 2; i++) {
            const at = w + (j * rows + row) * run + i;
            store<i16>(packed, j < n && i < run ? <i32>load<i8>(at) - zeroPoint : 0);
            packed += 2;
          }
        }
      }
    }
  }
}

export function qs8_pack_weights__simd128(
  n: i32, rows: i32, run: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  const stride: usize = rows * run;
  for (let panel = 0; panel < n; panel += 8) {
    for (let row = 0; row < rows; row++) {
      let i = 0;
      if (panel + 8 <= n && run >= 8) {
        do {
          packEight(w + i, stride, zero, packed + (i << 4));
          i += 8;
        } while (i <= run - 8);
      }
      for (let j = 0; j < 8; j++) {
        const known = panel + j < n ? run : i;
        packRest(w + <usize>j * stride, i, known, run, zeroPoint, packed + (j << 2));
      }
      w += run;
      packed += ((run + 1) >> 1) << 5;
    }
    w += 7 * stride;
  }
}

/** Eight elements of eight rows: four pairs of each. */
// @ts-ignore: decorator
@inline
function packEight(w: usize, stride: usize, zero: v128, to: usize): void {
  const v0 = v128.load64_zero(w), v1 = v128.load64_zero(w + stride);
  w += stride << 1;
  const v2 = v128.load64_zero(w), v3 = v128.load64_zero(w + stride);
  w += stride << 1;
  storeFour(v0, v1, v2, v3, zero, to);
  const v4 = v128.load64_zero(w), v5 = v128.load64_zero(w + stride);
  w += stride << 1;
  const v6 = v128.load64_zero(w), v7 = v128.load64_zero(w + stride);
  storeFour(v4, v5, v6, v7, zero, to + 16);
}

/** Four rows to their half of four pairs. */
// @ts-ignore: decorator
@inline
function storeFour(v0: v128, v1: v128, v2: v128, v3: v128, zero: v128, to: usize): void {
  const rows01 = v128.shuffle<i16>(v0, v1, 0, 8, 1, 9, 2, 10, 3, 11);
  const rows23 = v128.shuffle<i16>(v2, v3, 0, 8, 1, 9, 2, 10, 3, 11);
  const low = v128.shuffle<i32>(rows01, rows23, 0, 4, 1, 5);
  const high = v128.shuffle<i32>(rows01, rows23, 2, 6, 3, 7);
  v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_s(low), zero));
  v128.store(to, i16x8.sub(i16x8.extend_high_i8x16_s(low), zero), 32);
  v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_s(high), zero), 64);
  v128.store(to, i16x8.sub(i16x8.extend_high_i8x16_s(high), zero), 96);
}

/** The pairs of one row from element i on: what is `known` of them, then 0 up to the end of the run. */
// @ts-ignore: decorator
@inline
function packRest(w: usize, i: i32, known: i32, run: i32, zeroPoint: i32, to: usize): void {
  for (; i < run; i += 2) {
    const first = i < known ? <i32>load<i8>(w + i) - zeroPoint : 0;
    const second = i + 1 < known ? <i32>load<i8>(w + i + 1) - zeroPoint : 0;
    store<i32>(to + (i << 4), (first & 0xffff) | (second << 16));
  }
}
