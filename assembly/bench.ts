/** The loops that the kernel benchmark holds the kernels against. Not shipped. */

/**
 * 12 · turns times i32x4.dot_i16x8_s + i32x4.add on twelve register accumulators: 8 MACs each.
 *
 * The products must differ and must not be invariant, or they leave the loop. Six loads see to that: they use ports
 * that dot and add do not need. Dot products of the accumulators themselves were 6 % slower on Ice Lake.
 */
export function ceiling(turns: i32, at: usize): void {
  const x = v128.load(at);
  let a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x;
  let a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
  for (let i = 0; i < turns; i++) {
    const l0 = v128.load(at, 16);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(l0, x));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(l0, l0));
    const l1 = v128.load(at, 32);
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(l1, x));
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(l1, l1));
    const l2 = v128.load(at, 48);
    a4 = i32x4.add(a4, i32x4.dot_i16x8_s(l2, x));
    a5 = i32x4.add(a5, i32x4.dot_i16x8_s(l2, l2));
    const l3 = v128.load(at, 64);
    a6 = i32x4.add(a6, i32x4.dot_i16x8_s(l3, x));
    a7 = i32x4.add(a7, i32x4.dot_i16x8_s(l3, l3));
    const l4 = v128.load(at, 80);
    a8 = i32x4.add(a8, i32x4.dot_i16x8_s(l4, x));
    a9 = i32x4.add(a9, i32x4.dot_i16x8_s(l4, l4));
    const l5 = v128.load(at, 96);
    a10 = i32x4.add(a10, i32x4.dot_i16x8_s(l5, x));
    a11 = i32x4.add(a11, i32x4.dot_i16x8_s(l5, l5));
  }
  let sum = i32x4.add(i32x4.add(a0, a1), i32x4.add(a2, a3));
  sum = i32x4.add(sum, i32x4.add(i32x4.add(a4, a5), i32x4.add(a6, a7)));
  sum = i32x4.add(sum, i32x4.add(i32x4.add(a8, a9), i32x4.add(a10, a11)));
  v128.store(at, sum, 112);
}

/**
 * 12 · turns times f32x4.mul + f32x4.add on twelve register accumulators: 4 MACs each. The loads are there for the
 * reason given above.
 */
export function ceilingF32(turns: i32, at: usize): void {
  const x = v128.load(at);
  let a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x;
  let a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
  for (let i = 0; i < turns; i++) {
    const l0 = v128.load(at, 16);
    a0 = f32x4.add(a0, f32x4.mul(l0, x));
    a1 = f32x4.add(a1, f32x4.mul(l0, l0));
    const l1 = v128.load(at, 32);
    a2 = f32x4.add(a2, f32x4.mul(l1, x));
    a3 = f32x4.add(a3, f32x4.mul(l1, l1));
    const l2 = v128.load(at, 48);
    a4 = f32x4.add(a4, f32x4.mul(l2, x));
    a5 = f32x4.add(a5, f32x4.mul(l2, l2));
    const l3 = v128.load(at, 64);
    a6 = f32x4.add(a6, f32x4.mul(l3, x));
    a7 = f32x4.add(a7, f32x4.mul(l3, l3));
    const l4 = v128.load(at, 80);
    a8 = f32x4.add(a8, f32x4.mul(l4, x));
    a9 = f32x4.add(a9, f32x4.mul(l4, l4));
    const l5 = v128.load(at, 96);
    a10 = f32x4.add(a10, f32x4.mul(l5, x));
    a11 = f32x4.add(a11, f32x4.mul(l5, l5));
  }
  let sum = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3));
  sum = f32x4.add(sum, f32x4.add(f32x4.add(a4, a5), f32x4.add(a6, a7)));
  sum = f32x4.add(sum, f32x4.add(f32x4.add(a8, a9), f32x4.add(a10, a11)));
  v128.store(at, sum, 112);
}

/** Copies the same bytes again and again, as fast as the host knows how to. */
export function copy(turns: i32, to: usize, from: usize, bytes: usize): void {
  for (let i = 0; i < turns; i++) memory.copy(to, from, bytes);
}

/** 16 · turns additions, each of which waits for the one before: one cycle each. */
export function clock(turns: i32, step: i32): i32 {
  let x = step;
  for (let i = 0; i < turns; i++) {
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
    x = (x + step) ^ i;
  }
  return x;
}
