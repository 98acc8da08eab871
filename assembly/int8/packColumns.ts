/**
 * What qs8_pack_weights makes of a matrix that is given by columns, as the right side of a product has it:
 *
 * b       [k, n] i8, a row for each term of the sums
 * packed  [ceil(n/8)][ceil(k/2)][8][2] i16, 0 where n or k ends, v = b − zeroPoint elsewhere:
 *
 *     panel p, pair t:  | v[2t, 8p] v[2t+1, 8p] | v[2t, 8p+1] v[2t+1, 8p+1] | … | v[2t+1, 8p+7] |     32 bytes
 *
 * Reads 7 bytes past b.
 */
export function packColumns__scalar(n: i32, k: i32, zeroPoint: i32, b: usize, packed: usize): void {
  for (let panel = 0; panel < n; panel += 8) {
    for (let t = 0; t < k; t += 2) {
      for (let j = panel; j < panel + 8; j++) {
        for (let i = t; i < t + 2; i++) {
          const inside = j < n && i < k;
          store<i16>(packed, inside ? <i32>load<i8>(b + i * n + j) - zeroPoint : 0);
          packed += 2;
        }
      }
    }
  }
}

/** Two rows of b side by side are a row of pairs. */
export function packColumns__simd128(
  n: i32, k: i32, zeroPoint: i32, b: usize, packed: usize,
): void {
  const zero = i16x8.splat(<i16>zeroPoint);
  const none = i16x8.splat(0);
  for (let panel = 0; panel < n; panel += 8) {
    const inside = i16x8.lt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>min(n - panel, 8)));
    let from = b + panel;
    for (let t = 0; t < k; t += 2) {
      const first = v128.and(i16x8.sub(v128.load_ext<i8>(from), zero), inside);
      const second = t + 1 < k
        ? v128.and(i16x8.sub(v128.load_ext<i8>(from + n), zero), inside)
        : none;
      v128.store(packed, v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(packed, v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      from += <usize>n << 1;
      packed += 32;
    }
  }
}
