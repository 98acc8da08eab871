/**
 * Weights of a 3x3 convolution, transformed for tiles of 2x2 outputs (winograd.ts) and cut into panels of 8 outputs:
 *
 *     U = G·v·Gᵀ,   G = | 2  0  0 |     v = w[n, ·, ·, c] − zeroPoint,     |U| ≤ 9 · 255
 *                       | 1  1  1 |
 *                       | 1 −1  1 |
 *                       | 0  0  2 |
 *
 * Lavin and Gray's G is half of this one: doubled, it stays in the integers, and outputs come out four times too large.
 *
 * w       [n, 3, 3, channels] i8
 * packed  [ceil(n/8)][16][4·ceil(channels/8)][8][2] i16, 0 where n or channels ends:
 *
 *     panel p, position q, pair t:   | U[8p, q, 2t] U[8p, q, 2t+1] | … | U[8p+7, q, 2t] U[8p+7, q, 2t+1] |     32 bytes
 */
export function qs8_pack_winograd_weights__scalar(
  n: i32, channels: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  const pairs = ((channels + 7) >> 3) << 2;
  for (let panel = 0; panel < n; panel += 8) {
    for (let q = 0; q < 16; q++) {
      for (let c = 0; c < 2 * pairs; c += 2) {
        for (let j = panel; j < panel + 8; j++) {
          for (let i = c; i < c + 2; i++) {
            const known = j < n && i < channels;
            const u = known ? weightPlain(w + j * 9 * channels + i, channels, q, zeroPoint) : 0;
            store<i16>(packed, u);
            packed += 2;
          }
        }
      }
    }
  }
}

/** U at position q = 4·row + column. */
function weightPlain(w: usize, channels: i32, q: i32, zeroPoint: i32): i32 {
  let u = 0;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const v = <i32>load<i8>(w + (3 * i + j) * channels) - zeroPoint;
      u += factorPlain(q >> 2, i) * factorPlain(q & 3, j) * v;
    }
  }
  return u;
}

/** G[row][tap] */
// @ts-ignore: decorator
@inline
function factorPlain(row: i32, tap: i32): i32 {
  if (row == 0) return tap == 0 ? 2 : 0;
  if (row == 3) return tap == 2 ? 2 : 0;
  return row == 2 && tap == 1 ? -1 : 1;
}

export function qs8_pack_winograd_weights__simd128(
  n: i32, channels: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  const pairs = ((channels + 7) >> 3) << 2;
  const position: usize = pairs << 5;
  const zero = i16x8.splat(<i16>zeroPoint);
  for (let j = 0; j < ((n + 7) & ~7); j++) {
    const panel = packed + <usize>((j >> 3) << 4) * position + ((j & 7) << 2);
    for (let c = 0; c < channels; c += 8) {
      const to = panel + (c << 4);
      // Channels past the last one, and outputs past the last one, are 0.
      const rest = j < n ? channels - c : 0;
      const known = i16x8.lt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>min(rest, 8)));
      packRow(w, 0, channels, zero, known, to, position);
      packRow(w, 1, channels, zero, known, to + 4 * position, position);
      packRow(w, 2, channels, zero, known, to + 8 * position, position);
      packRow(w, 3, channels, zero, known, to + 12 * position, position);
      w += max(0, min(rest, 8));
    }
    if (j < n) w += 8 * channels;
  }
}

/** Row `row` of U, eight channels. */
function packRow(
  w: usize, row: i32, channels: i32, zero: v128, known: v128, to: usize, position: usize,
): void {
  const t0 = column(w, row, channels, zero, known);
  const t1 = column(w + channels, row, channels, zero, known);
  const t2 = column(w + 2 * channels, row, channels, zero, known);
  const ends = i16x8.add(t0, t2);
  storePairs(to, i16x8.add(t0, t0));
  storePairs(to + position, i16x8.add(ends, t1));
  storePairs(to + 2 * position, i16x8.sub(ends, t1));
  storePairs(to + 3 * position, i16x8.add(t2, t2));
}

/** (G·v)[row] of one column of taps. Reads 7 bytes past its channels. */
// @ts-ignore: decorator
@inline
function column(w: usize, row: i32, channels: i32, zero: v128, known: v128): v128 {
  const v0 = weights(w, zero, known), v2 = weights(w + 6 * channels, zero, known);
  if (row == 0) return i16x8.add(v0, v0);
  if (row == 3) return i16x8.add(v2, v2);
  const v1 = weights(w + 3 * channels, zero, known), ends = i16x8.add(v0, v2);
  return row == 1 ? i16x8.add(ends, v1) : i16x8.sub(ends, v1);
}

// @ts-ignore: decorator
@inline
function weights(w: usize, zero: v128, known: v128): v128 {
  return v128.and(i16x8.sub(v128.load_ext<i8>(w), zero), known);
}

/** Four pairs of one output to its place in four rows of a panel. */
// @ts-ignore: decorator
@inline
function storePairs(to: usize, lanes: v128): void {
  v128.store32_lane(to, lanes, 0, 0);
  v128.store32_lane(to, lanes, 1, 32);
  v128.store32_lane(to, lanes, 2, 64);
  v128.store32_lane(to, lanes, 3, 96);
}
