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
  const runBytes: usize = ((run + 1) >> 1) << 5;
  for (let panel = 0; panel < n; panel += 8) {
    for (let j = 0; j < 8; j++) {
      let to = packed + (j << 2);
      for (let row = 0; row < rows; row++) {
        if (panel + j < n) {
          packRun(w, run, zeroPoint, to);
          w += run;
        } else clearRun(run, to);
        to += runBytes;
      }
    }
    packed += <usize>rows * runBytes;
  }
}

/** One run of w to every eighth pair of its panel. Reads 7 bytes past the run. */
// @ts-ignore: decorator
@inline
function packRun(from: usize, run: i32, zeroPoint: i32, to: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  let i = 0;
  for (; i <= run - 8; i += 8) {
    const wide = i16x8.sub(v128.load_ext<i8>(from + i), zero);
    v128.store32_lane(to, wide, 0, 0);
    v128.store32_lane(to, wide, 1, 32);
    v128.store32_lane(to, wide, 2, 64);
    v128.store32_lane(to, wide, 3, 96);
    to += 128;
  }
  for (; i < run; i += 2) {
    const first = <i32>load<i8>(from + i) - zeroPoint;
    const second = i + 1 < run ? <i32>load<i8>(from + i + 1) - zeroPoint : 0;
    store<i32>(to, (first & 0xffff) | (second << 16));
    to += 32;
  }
}

// @ts-ignore: decorator
@inline
function clearRun(run: i32, to: usize): void {
  for (let i = 0; i < run; i += 2) {
    store<i32>(to, 0);
    to += 32;
  }
}
