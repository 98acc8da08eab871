/**
 * y[o, i] = the first j with the largest x[o, j, i]
 *
 * x  [outer, n, inner] i8, n and inner ≥ 1     y  [outer, inner] i32     Reads 15 bytes past x.
 */
export function qs8_argmax__scalar(outer: i32, n: i32, inner: i32, x: usize, y: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let at = 0, most = <i32>load<i8>(x + i);
      for (let j = 1; j < n; j++) {
        const q = <i32>load<i8>(x + j * inner + i);
        if (q > most) {
          most = q;
          at = j;
        }
      }
      store<i32>(y, at);
      y += 4;
    }
    x += n * inner;
  }
}

export function qs8_argmax__simd128(outer: i32, n: i32, inner: i32, x: usize, y: usize): void {
  if (inner > 1 || n < 16) return qs8_argmax__scalar(outer, n, inner, x, y);
  for (let o = 0; o < outer; o++) {
    store<i32>(y, firstOf(n, x, maxOf(n, x)));
    x += n;
    y += 4;
  }
}

/** The largest of n ≥ 1 bytes. */
export function maxOf(n: i32, x: usize): i32 {
  let most = -128, i = 0;
  if (n >= 16) {
    let lanes = v128.load(x + n - 16);
    for (; i <= n - 16; i += 16) lanes = i8x16.max_s(lanes, v128.load(x + i));
    lanes = i8x16.max_s(lanes, v128.shuffle<i64>(lanes, lanes, 1, 1));
    lanes = i8x16.max_s(lanes, i64x2.shr_u(lanes, 32));
    lanes = i8x16.max_s(lanes, i64x2.shr_u(lanes, 16));
    lanes = i8x16.max_s(lanes, i64x2.shr_u(lanes, 8));
    return i8x16.extract_lane_s(lanes, 0);
  }
  for (; i < n; i++) most = max(most, <i32>load<i8>(x + i));
  return most;
}

/** Where `q`, which is among them, is first. */
function firstOf(n: i32, x: usize, q: i32): i32 {
  const lanes = i8x16.splat(<i8>q);
  for (let i = 0; i < n; i += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(x + i), lanes));
    if (found) return i + ctz(found);
  }
  return 0;
}
