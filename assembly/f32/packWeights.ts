/**
 * packed[n/8][k][n mod 8] = w[n][k]      panels of eight output channels, the last one filled up with zeros
 *
 * w      [n, k] f32               read; OHWI flattened, k = Kh·Kw·Ci
 * packed [ceil(n/8)][k][8] f32    written
 */
export function f32_pack_weights__scalar(n: i32, k: i32, w: usize, packed: usize): void {
  for (let panel = 0; panel < n; panel += 8) {
    for (let i = 0; i < k; i++) {
      for (let lane = panel; lane < panel + 8; lane++, packed += 4) {
        store<f32>(packed, lane < n ? load<f32>(w + (<usize>(lane * k + i) << 2)) : 0);
      }
    }
  }
}

export function f32_pack_weights__simd128(n: i32, k: i32, w: usize, packed: usize): void {
  const row = <usize>k << 2;
  let panel = 0;
  for (; panel + 8 <= n; panel += 8) {
    transposeFour(k, row, w, packed);
    transposeFour(k, row, w + 4 * row, packed + 16);
    w += 8 * row;
    packed += 8 * row;
  }
  if (panel < n) f32_pack_weights__scalar(n - panel, k, w, packed);
}

/** Four rows of w into one half of a panel. */
// @ts-ignore: decorator
@inline
function transposeFour(k: i32, row: usize, w: usize, packed: usize): void {
  let i = 0;
  for (; i + 4 <= k; i += 4, w += 16, packed += 128) {
    const a = v128.load(w);
    const b = v128.load(w + row);
    const c = v128.load(w + 2 * row);
    const d = v128.load(w + 3 * row);
    const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
    const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
    v128.store(packed, i64x2.shuffle(ab0, cd0, 0, 2));
    v128.store(packed, i64x2.shuffle(ab0, cd0, 1, 3), 32);
    v128.store(packed, i64x2.shuffle(ab1, cd1, 0, 2), 64);
    v128.store(packed, i64x2.shuffle(ab1, cd1, 1, 3), 96);
  }
  for (; i < k; i++, w += 4, packed += 32) {
    store<f32>(packed, load<f32>(w));
    store<f32>(packed, load<f32>(w + row), 4);
    store<f32>(packed, load<f32>(w + 2 * row), 8);
    store<f32>(packed, load<f32>(w + 3 * row), 12);
  }
}

/**
 * packed[k/8][n][k mod 8] = w[n][k]      panels of eight taps, the last one filled up with zeros
 *
 * w      [n, k] f32               read
 * packed [ceil(k/8)][n][8] f32    written
 */
export function f32_pack_weights_transposed__scalar(n: i32, k: i32, w: usize, packed: usize): void {
  for (let panel = 0; panel < k; panel += 8) {
    for (let i = 0; i < n; i++) {
      for (let lane = panel; lane < panel + 8; lane++, packed += 4) {
        store<f32>(packed, lane < k ? load<f32>(w + (<usize>(i * k + lane) << 2)) : 0);
      }
    }
  }
}

export function f32_pack_weights_transposed__simd128(
  n: i32, k: i32, w: usize, packed: usize,
): void {
  const row = <usize>k << 2;
  let panel = 0;
  for (; panel + 8 <= k; panel += 8) {
    let p = w + (<usize>panel << 2);
    for (let i = 0; i < n; i++, p += row, packed += 32) {
      v128.store(packed, v128.load(p));
      v128.store(packed, v128.load(p, 16), 16);
    }
  }
  if (panel == k) return;
  for (let i = 0; i < n; i++) {
    for (let lane = panel; lane < panel + 8; lane++, packed += 4) {
      store<f32>(packed, lane < k ? load<f32>(w + (<usize>(i * k + lane) << 2)) : 0);
    }
  }
}
