/**
 * Weights of a matrix product minus their zero point, widened to i16 and cut into panels of 8 outputs, two of k side by
 * side, so that the inner loop is nothing but i32x4.dot_i16x8_s. |w − zeroPoint| and |x − inZeroPoint| are at most 255:
 * a pair of products has 18 bits.
 *
 * w       [n, k] i8
 * packed  [ceil(n/8)][ceil(k/2)][8][2] i16, 0 where n or k ends, v = w − zeroPoint elsewhere:
 *
 *     panel p, pair t:  | v[8p, 2t] v[8p, 2t+1] | v[8p+1, 2t] v[8p+1, 2t+1] | … | v[8p+7, …] |     32 bytes
 */
export function qs8_pack_weights__scalar(
  n: i32, k: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  for (let panel = 0; panel < n; panel += 8) {
    for (let t = 0; t < k; t += 2) {
      for (let j = panel; j < panel + 8; j++) {
        for (let i = t; i < t + 2; i++) {
          const known = j < n && i < k;
          store<i16>(packed, known ? <i32>load<i8>(w + j * k + i) - zeroPoint : 0);
          packed += 2;
        }
      }
    }
  }
}

export function qs8_pack_weights__simd128(
  n: i32, k: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  const panelBytes = ((k + 1) >> 1) << 5;
  for (let panel = 0; panel < n; panel += 8) {
    const rows = min(8, n - panel);
    for (let j = 0; j < 8; j++) {
      if (j < rows) packRow(w + (panel + j) * k, k, zeroPoint, packed + (j << 2));
      else clearRow(k, packed + (j << 2));
    }
    packed += panelBytes;
  }
}

/** One row of w to every eighth pair of its panel. Reads 7 bytes past the row. */
// @ts-ignore: decorator
@inline
function packRow(row: usize, k: i32, zeroPoint: i32, to: usize): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  let i = 0;
  for (; i <= k - 8; i += 8) {
    const wide = i16x8.sub(v128.load_ext<i8>(row + i), zero);
    v128.store32_lane(to, wide, 0, 0);
    v128.store32_lane(to, wide, 1, 32);
    v128.store32_lane(to, wide, 2, 64);
    v128.store32_lane(to, wide, 3, 96);
    to += 128;
  }
  for (; i < k; i += 2) {
    const first = <i32>load<i8>(row + i) - zeroPoint;
    const second = i + 1 < k ? <i32>load<i8>(row + i + 1) - zeroPoint : 0;
    store<i32>(to, (first & 0xffff) | (second << 16));
    to += 32;
  }
}

// @ts-ignore: decorator
@inline
function clearRow(k: i32, to: usize): void {
  for (let i = 0; i < k; i += 2) {
    store<i32>(to, 0);
    to += 32;
  }
}
