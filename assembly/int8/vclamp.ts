import { storeBytes } from '../lib/lanes';

/**
 * y = min(max(x, qmin), qmax)
 *
 * x, y  [n] i8, n ≥ 0     y may be x.   Reads 15 bytes past x, writes n bytes.
 */
export function qs8_vclamp__scalar(n: i32, x: usize, y: usize, qmin: i32, qmax: i32): void {
  for (let i = 0; i < n; i++) {
    store<i8>(y + i, min(max(<i32>load<i8>(x + i), qmin), qmax));
  }
}

export function qs8_vclamp__simd128(n: i32, x: usize, y: usize, qmin: i32, qmax: i32): void {
  const lo = i8x16.splat(<i8>qmin);
  const hi = i8x16.splat(<i8>qmax);
  let i = 0;
  for (; i <= n - 16; i += 16) {
    v128.store(y + i, i8x16.min_s(i8x16.max_s(v128.load(x + i), lo), hi));
  }
  let rest = i8x16.min_s(i8x16.max_s(v128.load(x + i), lo), hi);
  if (n & 8) {
    v128.store64_lane(y + i, rest, 0);
    rest = v128.shuffle<i64>(rest, rest, 1, 1);
    i += 8;
  }
  storeBytes(y + i, rest, n & 7);
}
